#include "antiphon/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace antiphon {
namespace {

constexpr int kMaxDepth = 32;

// How deep the brackets of a text go; strings are skipped.
int depth_of(std::string_view text) {
    int depth = 0, deepest = 0;
    bool is_quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (is_quoted) {
            if (c == '\\') ++i;
            is_quoted = c != '"';
        } else if (c == '"') {
            is_quoted = true;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return deepest;
}

}  // namespace

struct Json::Value {
    nlohmann::json json;
};

Json::Json() : value_(std::make_unique<Value>()) {}
Json::Json(std::unique_ptr<Value> value) : value_(std::move(value)) {}
Json::Json(const Json& other) : value_(std::make_unique<Value>(*other.value_)) {}
Json::Json(Json&& other) noexcept : value_(std::make_unique<Value>()) { value_.swap(other.value_); }
Json& Json::operator=(Json other) noexcept {
    value_.swap(other.value_);
    return *this;
}
Json::~Json() = default;

Json Json::object() { return Json(std::make_unique<Value>(Value{nlohmann::json::object()})); }
Json Json::array() { return Json(std::make_unique<Value>(Value{nlohmann::json::array()})); }
Json Json::of(std::string_view text) { return Json(std::make_unique<Value>(Value{text})); }
Json Json::of(double number) { return Json(std::make_unique<Value>(Value{number})); }
Json Json::of(std::int64_t number) { return Json(std::make_unique<Value>(Value{number})); }
Json Json::of(std::uint64_t number) { return Json(std::make_unique<Value>(Value{number})); }
Json Json::of(bool flag) { return Json(std::make_unique<Value>(Value{flag})); }

std::optional<Json> Json::parse(std::string_view text) {
    if (depth_of(text) > kMaxDepth) return std::nullopt;
    auto value = std::make_unique<Value>();
    value->json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
    if (value->json.is_discarded()) return std::nullopt;
    return Json(std::move(value));
}

std::string Json::dump(int indent) const {
    return value_->json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool Json::is_null() const { return value_->json.is_null(); }
bool Json::is_object() const { return value_->json.is_object(); }
bool Json::is_array() const { return value_->json.is_array(); }

std::optional<std::string> Json::text() const {
    if (!value_->json.is_string()) return std::nullopt;
    return value_->json.get<std::string>();
}

std::optional<double> Json::number() const {
    if (!value_->json.is_number()) return std::nullopt;
    const double found = value_->json.get<double>();
    return std::isfinite(found) ? std::optional(found) : std::nullopt;
}

std::optional<std::int64_t> Json::integer() const {
    if (!value_->json.is_number_integer()) return std::nullopt;
    return value_->json.get<std::int64_t>();
}

std::optional<std::uint64_t> Json::count() const {
    if (!value_->json.is_number_unsigned()) return std::nullopt;
    return value_->json.get<std::uint64_t>();
}

std::optional<bool> Json::flag() const {
    if (!value_->json.is_boolean()) return std::nullopt;
    return value_->json.get<bool>();
}

std::vector<Json> Json::items() const {
    std::vector<Json> found;
    if (!is_array()) return found;
    for (const nlohmann::json& item : value_->json)
        found.push_back(Json(std::make_unique<Value>(Value{item})));
    return found;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
    std::vector<std::pair<std::string, Json>> found;
    if (!is_object()) return found;
    for (const auto& [name, value] : value_->json.items())
        found.emplace_back(name, Json(std::make_unique<Value>(Value{value})));
    return found;
}

bool Json::has(const char* name) const { return is_object() && value_->json.contains(name); }

Json Json::at(const char* name) const {
    if (!has(name)) return Json();
    return Json(std::make_unique<Value>(Value{value_->json[name]}));
}

Json& Json::set(const std::string& name, Json value) {
    value_->json[name] = std::move(value.value_->json);
    return *this;
}

Json& Json::add(Json value) {
    value_->json.push_back(std::move(value.value_->json));
    return *this;
}

}  // namespace antiphon
