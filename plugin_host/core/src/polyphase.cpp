#include "antiphon/polyphase.h"

#include <cmath>
#include <numeric>

namespace antiphon {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kPass = 0.45, kStop = 0.5;  // of the lower rate
constexpr double kStopDb = 106.0;
constexpr std::uint32_t kExactRows = 1024;  // a ratio with more phases is interpolated
constexpr double kRowsPerSample = 2048.0;   // of the lower rate, when interpolating

// The modified Bessel function of the first kind and order 0, by its power series.
double bessel(double x) {
    double term = 1.0, total = 1.0;
    for (int k = 1; term > 1e-18 * total; ++k) {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        total += term;
    }
    return total;
}

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(kPi * x) / (kPi * x); }

float dot(const float* a, const float* b, std::size_t count) noexcept {
    float lanes[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    for (; i < count; ++i) lanes[i & 7] += a[i] * b[i];
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
           ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

}  // namespace

Polyphase::Polyphase(std::uint32_t in_rate, std::uint32_t out_rate)
    : up_(out_rate / std::gcd(in_rate, out_rate)) {
    if (in_rate == out_rate) return;
    const double ratio = std::min(1.0, static_cast<double>(out_rate) / in_rate);  // lower : in
    const double width = 2.285 * 2.0 * kPi * (kStop - kPass) * ratio;
    half_ = static_cast<std::uint32_t>(std::ceil((kStopDb - 7.95) / width / 2.0));
    taps_ = 2 * std::size_t{half_};
    is_exact_ = up_ <= kExactRows;
    rows_ = is_exact_ ? up_ : static_cast<std::size_t>(std::ceil(kRowsPerSample * ratio));
    weights_.resize((rows_ + 1) * taps_);
    const double beta = 0.1102 * (kStopDb - 8.7), cutoff = (kPass + kStop) * ratio;
    std::vector<double> one(taps_);
    for (std::size_t r = 0; r <= rows_; ++r) {
        double total = 0.0;
        for (std::size_t i = 0; i < taps_; ++i) {
            const double away = static_cast<double>(i) + 1.0 - half_ -
                                static_cast<double>(r) / static_cast<double>(rows_);
            const double inside = 1.0 - (away / half_) * (away / half_);
            one[i] = sinc(cutoff * away) * bessel(beta * std::sqrt(std::max(0.0, inside)));
            total += one[i];
        }
        for (std::size_t i = 0; i < taps_; ++i)
            weights_[r * taps_ + i] = static_cast<float>(one[i] / total);
    }
}

float Polyphase::sum(const float* inputs, std::uint32_t phase) const noexcept {
    if (half_ == 0) return inputs[0];
    if (is_exact_) return dot(inputs, row(phase), taps_);
    const double place = static_cast<double>(phase) * static_cast<double>(rows_) / up_;
    const std::size_t below = static_cast<std::size_t>(place);
    const float share = static_cast<float>(place - static_cast<double>(below));
    const float low = dot(inputs, row(below), taps_), high = dot(inputs, row(below + 1), taps_);
    return low + share * (high - low);
}

}  // namespace antiphon
