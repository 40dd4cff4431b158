// ISO base media files (MP4, MOV, M4A, AVIF): walks the boxes and checks that all that they promise
// lies inside the file.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "domain/media_source.hpp"

namespace reeld::domain {
namespace {

// Real files stay far below; a hostile one must not keep the loop busy.
constexpr int boxes_max = 65'536;
constexpr std::uint64_t table_entries_max = 4'000'000;

struct Box {
    std::string type;
    std::uint64_t begin = 0;    // of the header
    std::uint64_t payload = 0;  // after the header
    std::uint64_t end = 0;
};

bool is_name(std::string_view type) {
    return std::all_of(type.begin(), type.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte < 0x7F) || byte == 0xA9;
    });
}

// One of the tables of `stbl`: `count` entries of `width` bytes, inside its box.
struct Table {
    std::uint64_t at = 0;
    std::uint64_t count = 0;
    std::size_t width = 4;
};

struct SampleTables {
    std::optional<Table> sizes;
    std::uint64_t same_size = 0;  // of every sample, when not 0
    std::uint64_t samples = 0;
    std::optional<Table> runs;    // stsc
    std::optional<Table> chunks;  // stco, co64
    bool packed_sizes = false;    // stz2: not looked into
    int track = 0;
};

class Walk {
  public:
    explicit Walk(MediaSource& source) : source_(source) {}

    Result<MediaFacts> run() {
        const auto walked = each(0, source_.size(), &Walk::on_top);
        if (!walked) return walked.error();
        return verdict();
    }

  private:
    using Visit = Status (Walk::*)(const Box&);

    Result<Box> box_at(std::uint64_t at, std::uint64_t end) {
        if (++boxes_ > boxes_max) return broken(fmt::format("more than {} boxes", boxes_max));
        if (end - at < 8) {
            return broken(
                fmt::format("cut short: a box header at byte {} ends behind byte {}", at, end));
        }
        const auto head = source_.bytes(at, 8);
        if (!head) return head.error();
        Box box{std::string(head->substr(4, 4)), at, at + 8, 0};
        std::uint64_t size = big_endian(head->substr(0, 4));
        if (!is_name(box.type)) return broken(fmt::format("no box name at byte {}", at));
        if (size == 1) {
            const auto large = source_.bytes(at + 8, 8);
            if (!large) return large.error();
            size = big_endian(*large);
            box.payload = at + 16;
        } else if (size == 0) {
            size = end - at;
        }
        if (size < box.payload - at) {
            return broken(
                fmt::format("the box '{}' at byte {} claims a size of {}", box.type, at, size));
        }
        if (size > end - at) return overrun(box.type, at, size, end);
        box.end = at + size;
        return box;
    }

    Error overrun(const std::string& type, std::uint64_t at, std::uint64_t size,
                  std::uint64_t end) {
        if (size > UINT64_MAX - at) {
            return broken(
                fmt::format("the box '{}' at byte {} claims a size of {}", type, at, size));
        }
        return broken(
            end == source_.size()
                ? fmt::format("cut short: the box '{}' ends at byte {} of a file of {}", type,
                              at + size, end)
                : fmt::format("the box '{}' at byte {} ends outside of its parent", type, at));
    }

    Status each(std::uint64_t at, std::uint64_t end, Visit visit) {
        while (at < end) {
            const auto box = box_at(at, end);
            if (!box) return box.error();
            if (const auto seen = (this->*visit)(*box); !seen) return seen;
            at = box->end;
        }
        return ok();
    }

    Status on_top(const Box& box) {
        if (box.type == "ftyp") return on_ftyp(box);
        if (box.type == "moov") {
            has_moov_ = true;
            return each(box.payload, box.end, &Walk::on_moov);
        }
        if (box.type == "moof") fragment_open_ = true;
        if (box.type == "moof") ++fragments_;
        if (box.type == "meta") has_meta_ = true;
        if (box.type == "mdat") {
            has_mdat_ = true;
            fragment_open_ = false;
        }
        return ok();
    }

    Status on_ftyp(const Box& box) {
        const auto brand = source_.bytes(box.payload, 4);
        if (!brand) return brand.error();
        brand_ = *brand;
        return ok();
    }

    Status on_moov(const Box& box) {
        if (box.type == "mvhd") return on_mvhd(box);
        if (box.type == "mvex") has_mvex_ = true;
        if (box.type != "trak") return ok();
        ++tracks_;
        tables_ = {};
        handler_.clear();
        track_width_ = track_height_ = 0;
        has_tables_ = false;
        if (const auto walked = each(box.payload, box.end, &Walk::on_trak); !walked) return walked;
        if (!has_tables_) return broken(fmt::format("track {} has no sample table", tracks_));
        return end_of_track();
    }

    Status on_mvhd(const Box& box) {
        const auto version = source_.bytes(box.payload, 1);
        if (!version) return version.error();
        const bool wide = version->front() == 1;
        const std::size_t needed = wide ? 32 : 20;
        if (box.end - box.payload < needed) return broken("the box 'mvhd' is too short");
        const auto body = source_.bytes(box.payload, needed);
        if (!body) return body.error();
        const std::uint64_t timescale = big_endian(body->substr(wide ? 20 : 12, 4));
        const std::uint64_t duration =
            wide ? big_endian(body->substr(24, 8)) : big_endian(body->substr(16, 4));
        if (timescale == 0) return broken("the movie's timescale is 0");
        has_mvhd_ = true;
        const bool known = duration != 0 && duration != (wide ? UINT64_MAX : UINT32_MAX);
        if (known)
            facts_.duration_s = static_cast<double>(duration) / static_cast<double>(timescale);
        return ok();
    }

    Status on_trak(const Box& box) {
        if (box.type == "tkhd") return on_tkhd(box);
        if (box.type == "mdia") return each(box.payload, box.end, &Walk::on_mdia);
        return ok();
    }

    Status on_tkhd(const Box& box) {
        const auto version = source_.bytes(box.payload, 1);
        if (!version) return version.error();
        const std::uint64_t at = version->front() == 1 ? 88 : 76;
        if (box.end - box.payload < at + 8) return broken("the box 'tkhd' is too short");
        const auto sides = source_.bytes(box.payload + at, 8);
        if (!sides) return sides.error();
        track_width_ = static_cast<int>(big_endian(sides->substr(0, 2)));
        track_height_ = static_cast<int>(big_endian(sides->substr(4, 2)));
        return ok();
    }

    Status on_mdia(const Box& box) {
        if (box.type == "minf") return each(box.payload, box.end, &Walk::on_minf);
        if (box.type != "hdlr") return ok();
        if (box.end - box.payload < 12) return broken("the box 'hdlr' is too short");
        const auto handler = source_.bytes(box.payload + 8, 4);
        if (!handler) return handler.error();
        handler_ = *handler;
        return ok();
    }

    Status on_minf(const Box& box) {
        if (box.type != "stbl") return ok();
        has_tables_ = true;
        return each(box.payload, box.end, &Walk::on_stbl);
    }

    Status on_stbl(const Box& box) {
        if (box.type == "stsz") return on_stsz(box);
        if (box.type == "stz2") tables_.packed_sizes = true;
        if (box.type == "stsc") return on_table(box, 4, 12, tables_.runs);
        if (box.type == "stco") return on_table(box, 4, 4, tables_.chunks);
        if (box.type == "co64") return on_table(box, 4, 8, tables_.chunks);
        return ok();
    }

    Status on_stsz(const Box& box) {
        if (box.end - box.payload < 12) return broken("the box 'stsz' is too short");
        const auto head = source_.bytes(box.payload, 12);
        if (!head) return head.error();
        tables_.same_size = big_endian(head->substr(4, 4));
        tables_.samples = big_endian(head->substr(8, 4));
        samples_ += tables_.samples;
        if (tables_.same_size != 0) return ok();
        return on_table(box, 8, 4, tables_.sizes);
    }

    // A table whose 32-bit entry count stands `count_at` bytes into the box.
    Status on_table(const Box& box, std::size_t count_at, std::size_t width,
                    std::optional<Table>& table) {
        const std::uint64_t head = count_at + 4;
        if (box.end - box.payload < head) {
            return broken(fmt::format("the box '{}' is too short", box.type));
        }
        const auto bytes = source_.bytes(box.payload + count_at, 4);
        if (!bytes) return bytes.error();
        const std::uint64_t count = big_endian(*bytes);
        if (count > (box.end - box.payload - head) / width) {
            return broken(fmt::format("the box '{}' promises {} entries and has no room for them",
                                      box.type, count));
        }
        table = Table{box.payload + head, count, width};
        return ok();
    }

    Status end_of_track() {
        if (handler_ == "vide") {
            has_video_ = true;
            if (!facts_.width && track_width_ > 0 && track_height_ > 0) {
                facts_.width = track_width_;
                facts_.height = track_height_;
            }
        }
        if (handler_ == "soun") has_sound_ = true;
        tables_.track = tracks_;
        all_tables_.push_back(tables_);
        return ok();
    }

    // Every chunk begins at its offset and holds the sizes of its samples: all of that must lie in
    // the file. This finds a cut 'mdat' that says "to the end".
    Status check_chunks(const SampleTables& t) {
        if (!t.chunks || !t.runs || t.packed_sizes) return ok();
        if (!t.sizes && t.same_size == 0) return ok();
        const std::uint64_t entries = t.chunks->count + (t.sizes ? t.sizes->count : 0);
        if (entries + t.runs->count > table_budget_) return ok();
        table_budget_ -= entries + t.runs->count;
        std::uint64_t run = 0;
        std::uint64_t run_ends = 0;  // the first chunk of the next run
        std::uint64_t per_chunk = 0;
        std::uint64_t sample = 0;
        Cursor chunks(*t.chunks);
        Cursor sizes(t.sizes.value_or(Table{}));
        for (std::uint64_t chunk = 1; chunk <= t.chunks->count; ++chunk) {
            if (run < t.runs->count && chunk >= run_ends) {
                const auto read = read_run(*t.runs, run, per_chunk, run_ends);
                if (!read) return read;
                ++run;
            }
            const auto offset = chunks.next(source_);
            if (!offset) return offset.error();
            // The last chunk may hold fewer samples than its run says.
            const std::uint64_t in_chunk = std::min(per_chunk, t.samples - sample);
            std::uint64_t length = in_chunk * t.same_size;  // two 32-bit numbers
            for (std::uint64_t i = 0; t.sizes && i < in_chunk; ++i) {
                const auto size = sizes.next(source_);
                if (!size) return size.error();
                length += *size;
            }
            sample += in_chunk;
            if (*offset > source_.size() || length > source_.size() - *offset) {
                return broken(
                    fmt::format("cut short: chunk {} of track {} begins at byte {} and has {} "
                                "bytes, in a file of {}",
                                chunk, t.track, *offset, length, source_.size()));
            }
        }
        return ok();
    }

    // The run-th entry of stsc: samples per chunk, and where the next entry takes over.
    Status read_run(const Table& runs, std::uint64_t run, std::uint64_t& per_chunk,
                    std::uint64_t& ends) {
        const bool last = run + 1 == runs.count;
        const auto entry = source_.bytes(runs.at + run * 12, last ? 12 : 16);
        if (!entry) return entry.error();
        const std::uint64_t first = big_endian(entry->substr(0, 4));
        per_chunk = big_endian(entry->substr(4, 4));
        ends = last ? UINT64_MAX : big_endian(entry->substr(12, 4));
        if (first == 0 || ends <= first || (run == 0 && first != 1)) {
            return broken("the box 'stsc' counts its chunks wrongly");
        }
        return ok();
    }

    // Reads a table front to back in blocks of its own: three are read in turn.
    class Cursor {
      public:
        explicit Cursor(Table table) : table_(table) {}
        Result<std::uint64_t> next(MediaSource& source) {
            if (at_ == block_.size()) {
                const std::uint64_t left = table_.count - read_;
                const auto take = std::min<std::uint64_t>(left, 4096);
                const auto bytes = source.bytes(table_.at + read_ * table_.width,
                                                static_cast<std::size_t>(take) * table_.width);
                if (!bytes) return bytes.error();
                block_ = *bytes;
                at_ = 0;
                read_ += take;
            }
            const std::uint64_t value =
                big_endian(std::string_view(block_).substr(at_, table_.width));
            at_ += table_.width;
            return value;
        }

      private:
        Table table_;
        std::uint64_t read_ = 0;
        std::string block_;
        std::size_t at_ = 0;
    };

    Result<MediaFacts> verdict() {
        const bool picture = brand_ == "avif" || brand_ == "avis" || brand_ == "heic" ||
                             brand_ == "heix" || brand_ == "mif1";
        if (picture && has_meta_ && has_mdat_) {
            facts_.content_type = brand_.starts_with("avi") ? "image/avif" : "image/heic";
            return facts_;
        }
        if (!has_moov_) {
            return broken("cut short: no box 'moov', the index that a player needs, is there");
        }
        if (!has_mvhd_) return broken("the box 'moov' has no header 'mvhd'");
        if (tracks_ == 0) return broken("the box 'moov' has no track");
        if (fragments_ > 0 && !has_mvex_) return broken("fragments without a box 'mvex'");
        if (samples_ == 0 && fragments_ == 0) return broken("cut short: no track has a sample");
        if (!has_mdat_) return broken("cut short: no box 'mdat', the media itself, is there");
        if (fragment_open_) return broken("cut short: the last fragment has no media");
        for (const SampleTables& tables : all_tables_) {
            if (const auto checked = check_chunks(tables); !checked) return checked.error();
        }
        facts_.content_type = brand_ == "qt  "            ? "video/quicktime"
                              : has_sound_ && !has_video_ ? "audio/mp4"
                                                          : "video/mp4";
        return facts_;
    }

    MediaSource& source_;
    MediaFacts facts_;
    int boxes_ = 0;
    std::string brand_;
    bool has_moov_ = false;
    bool has_mvhd_ = false;
    bool has_mvex_ = false;
    bool has_mdat_ = false;
    bool has_meta_ = false;
    bool has_video_ = false;
    bool has_sound_ = false;
    int fragments_ = 0;
    bool fragment_open_ = false;
    int tracks_ = 0;
    std::uint64_t samples_ = 0;
    std::vector<SampleTables> all_tables_;
    std::uint64_t table_budget_ = table_entries_max;

    // Of the track that is walked.
    SampleTables tables_;
    std::string handler_;
    int track_width_ = 0;
    int track_height_ = 0;
    bool has_tables_ = false;
};

}  // namespace

Result<MediaFacts> probe_bmff(MediaSource& source) {
    return Walk(source).run();
}

}  // namespace reeld::domain
