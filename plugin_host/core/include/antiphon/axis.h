// The stream's axis: which sample of the link sounds with which sample of the host.
//
// The link always runs at 48 kHz in stereo, whatever the host does, so that a session outlives a
// change of the host's rate and a take is the same at any rate. Integers only: nothing drifts.
// The stream stands still while the host does; it is no clock.

#pragma once

#include <cstdint>
#include <numeric>

namespace antiphon {

inline constexpr std::uint32_t kLinkRate = 48000;  // Hz
inline constexpr int kChannels = 2;

struct Axis {
    std::uint64_t base = 0;  // link sample that sounds with the host's sample 0
    std::uint32_t up = 1;    // up : down is the host's rate against the link's, reduced
    std::uint32_t down = 1;

    static Axis at(std::uint64_t base, std::uint32_t host_rate) noexcept {
        const std::uint32_t divisor = std::gcd(host_rate, kLinkRate);
        return {base, host_rate / divisor, kLinkRate / divisor};
    }

    // The link sample at or before a host sample, and how far behind it that is, in 1/up.
    std::uint64_t link_floor(std::uint64_t host) const noexcept { return base + host * down / up; }
    std::uint32_t link_phase(std::uint64_t host) const noexcept {
        return static_cast<std::uint32_t>(host * down % up);
    }
    double link_at(std::uint64_t host) const noexcept {
        return static_cast<double>(link_floor(host)) + static_cast<double>(link_phase(host)) / up;
    }

    // The host sample at or before a link sample (not before `base`), and the phase in 1/down.
    std::uint64_t host_floor(std::uint64_t link) const noexcept {
        return (link - base) * up / down;
    }
    std::uint32_t host_phase(std::uint64_t link) const noexcept {
        return static_cast<std::uint32_t>((link - base) * up % down);
    }

    // How many host samples from 0 on lie before a link sample.
    std::uint64_t hosts_before(std::uint64_t link) const noexcept {
        return link <= base ? 0 : ((link - base) * up + down - 1) / down;
    }
};

}  // namespace antiphon
