#include <array>
#include <boost/asio/ip/address.hpp>
#include <string>

#include "http/client.hpp"

namespace reeld::http {
namespace {

struct Block {
    std::array<unsigned char, 16> prefix;
    unsigned bits;
};

// IANA's special-purpose registries: what is not reachable over the public internet.
constexpr std::array<Block, 16> blocks_v4{{
    {{0}, 8},             // this network
    {{10}, 8},            // private
    {{100, 64}, 10},      // carrier-grade NAT
    {{127}, 8},           // loopback
    {{169, 254}, 16},     // link-local, cloud metadata
    {{172, 16}, 12},      // private
    {{192, 0, 0}, 24},    // protocol assignments
    {{192, 0, 2}, 24},    // documentation
    {{192, 88, 99}, 24},  // 6to4 relays
    {{192, 168}, 16},     // private
    {{198, 18}, 15},      // benchmarks
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},  // multicast
    {{240}, 4},  // reserved, broadcast
    {{255}, 8},
}};
// The only block that public IPv6 addresses are given out of. Outside of it lie loopback, the local
// networks, multicast, and IPv4 addresses in their many disguises.
constexpr Block global_v6{{0x20}, 3};
constexpr std::array<Block, 4> blocks_v6{{
    {{0x20, 0x01}, 23},              // protocol assignments, Teredo
    {{0x20, 0x01, 0x0D, 0xB8}, 32},  // documentation
    {{0x20, 0x02}, 16},              // 6to4: an IPv4 address in disguise
    {{0x3F, 0xFF}, 20},              // documentation
}};

template <class Bytes>
bool inside(const Bytes& address, const Block& block) {
    unsigned bit = 0;
    for (; bit + 8 <= block.bits; bit += 8) {
        if (address[bit / 8] != block.prefix[bit / 8]) return false;
    }
    if (bit == block.bits) return true;
    const unsigned mask = (0xFF00u >> (block.bits - bit)) & 0xFF;
    return (address[bit / 8] & mask) == (block.prefix[bit / 8] & mask);
}

template <class Bytes, class Blocks>
bool inside_any(const Bytes& address, const Blocks& blocks) {
    for (const auto& block : blocks) {
        if (inside(address, block)) return true;
    }
    return false;
}

}  // namespace

bool is_private_address(std::string_view text) {
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(std::string(text), failure);
    if (failure) return true;  // what cannot be read cannot be trusted
    if (address.is_v4()) return inside_any(address.to_v4().to_bytes(), blocks_v4);
    const auto six = address.to_v6().to_bytes();
    return !inside(six, global_v6) || inside_any(six, blocks_v6);
}

}  // namespace reeld::http
