#pragma once
// The command line, parsed and checked; nothing is done here.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "reel/failure.hpp"

namespace reeld::reel {

enum class Verb {
    submit, ls, show, watch, wait, events, logs, cancel, hold, release, retry, adopt, status, models, doctor,
    verify,
    backup,
};

struct Options {
    Verb verb = Verb::status;
    std::string socket;  // empty: not given
    bool json = false;

    // submit; batch, labels and model also filter `ls` and `watch`
    std::string model;
    std::vector<std::string> pairs;
    std::string input_file;  // "-": standard input
    std::string batch;
    std::optional<std::int64_t> priority;
    std::string not_before;
    std::string deadline;
    std::optional<int> max_attempts;
    std::string output;
    std::vector<std::string> labels;
    std::string id;
    bool wait = false;
    bool dry_run = false;
    bool unchecked = false;
    bool no_reuse = false;
    std::string help;  // submit MODEL --help: the text without the model; nothing is submitted

    // wait, watch
    std::optional<Millis> timeout;
    bool any = false;

    // ls
    std::vector<std::string> states;
    std::optional<int> limit;
    bool all = false;

    // verify
    bool no_files = false;
    std::string since;

    std::vector<std::string> ids;
    std::string request_id;  // adopt

    std::string file;  // backup
};

struct Parsed {
    std::optional<Options> options;  // nothing: print the texts and end
    std::string out;
    std::string err;
    Exit exit = Exit::ok;
};

// `words` without the program's name.
Parsed parse_arguments(const std::vector<std::string>& words, const std::string& version);

// --socket, else $REELD_SOCKET, else the packaged service's.
std::string socket_path(const Options& options, const char* environment);

}  // namespace reeld::reel
