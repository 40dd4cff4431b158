#include "reel/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

namespace reeld::reel {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 ok; 1 error; 2 usage; 3 daemon not reachable; 4 credentials; 5 not found;\n"
    "6 conflict; 7 waited and some failed; 8 waited and timed out; 9 budget refused;\n"
    "10 provider unavailable; 11 disk; 130 interrupted.\n"
    "Data goes to stdout, all else to stderr. The socket is --socket, else $REELD_SOCKET, else\n"
    "/run/reeld/reeld.sock. A unique beginning of an id works wherever an id does.";

constexpr const char* examples =
    "Examples:\n"
    "  reel submit fal-ai/minimax/hailuo-02/standard/image-to-video \\\n"
    "       prompt='waves at dusk' image_url=https://example.com/a.png --batch tonight --wait\n"
    "  reel ls --batch tonight --state failed\n"
    "  reel watch --batch tonight\n"
    "  reel wait $(reel submit MODEL prompt=@scene1.txt) && echo done\n";

constexpr const char* submit_examples =
    "key=value is what the model wants there, a number, a text or true; key:=JSON is JSON, whatever\n"
    "the model wants; key=@FILE is the text of a file, key:=@FILE its JSON. Words go over what\n"
    "--input gives. `reel submit MODEL --help` tells what the model takes.\n"
    "Examples:\n"
    "  reel submit fal-ai/minimax/hailuo-02/standard/text-to-video prompt='a fox runs' duration=6\n"
    "  reel submit eachlabs/minimax-i2v-01 prompt='she smiles' first_frame_image=./shot.png\n"
    "  reel submit eachlabs/minimax-i2v-01 --input scene.json --not-before 2h --label scene=3\n"
    "  reel submit minimax/h3/text-to-video prompt='a fox runs' --dry-run";

constexpr const char* models_examples =
    "Prices are those of the providers' documents; ~ marks an estimate. Examples:\n"
    "  reel models\n"
    "  reel models fal-ai/minimax/hailuo-02/standard/image-to-video";

constexpr const char* list_examples =
    "Examples:\n"
    "  reel ls --state failed,cancelled --limit 20\n"
    "  reel ls --batch tonight --all --json | jq '.jobs[].video_url'";

constexpr const char* wait_examples =
    "Waits until every job (--any: one) has ended; a restart of the daemon does not end the wait.\n"
    "Prints id, state, reason and file of each. Example: reel wait fox-1 fox-2 --timeout 2h";

constexpr const char* adopt_examples =
    "The provider is asked for the request first; one that it does not know binds nothing.\n"
    "`reel show ID` tells what is known of the submit. Example:\n"
    "  reel adopt fox-1 764cabcf-b745-4b3e-ae38-1200304cf45b";

constexpr const char* watch_examples =
    "Without ids: all jobs that are not over, until Ctrl-C. Piped: one line for each change.\n"
    "Examples:\n  reel watch fox-1\n  reel watch --batch tonight";

constexpr const char* verify_text =
    "Recomputes the chain of the trail, every job against its events, the evidence and the files.\n"
    "Ends with 0 when all of it fits, else with 1 and what does not. The last line is the head of\n"
    "the chain: noted outside this machine, it shows later (--since) whether all was rewritten.";

constexpr const char* backup_examples =
    "The daemon writes FILE, so FILE has to lie where the daemon's user may write. Rows that wait\n"
    "in the inbox are copied to FILE.inbox. Example: reel backup /var/lib/reeld/backup-$(date +%F).db";

CLI::Validator is_duration() {
    return CLI::Validator(
        [](std::string& text) {
            return parse_duration(text) ? std::string()
                                        : text + " is no duration: write 30s, 15m or 2h";
        },
        "DURATION");
}

// Builds the command tree over one Options.
class Grammar {
  public:
    explicit Grammar(const std::string& version) {
        app_.set_version_flag("--version", "reel " + version);
        app_.set_help_flag("-h,--help", "Print this help and end");
        app_.require_subcommand(1);
        app_.footer(std::string(examples) + exit_codes);
        add_shared(app_);
        add_submit();
        add_list();
        add_follow(*verb("watch", "Show jobs as they go", Verb::watch), watch_examples, false);
        add_follow(*verb("wait", "Wait until jobs have ended", Verb::wait), wait_examples, true);
        add_ids(*verb("show", "Show all of a job", Verb::show));
        add_ids(*verb("events", "Show a job's audit trail", Verb::events));
        add_ids(*verb("logs", "Show the newest lines of a job's log at the provider", Verb::logs));
        add_ids(*verb("cancel", "Stop jobs; before the submit nothing is billed", Verb::cancel));
        add_ids(*verb("hold", "Keep jobs that were not submitted from being so", Verb::hold));
        add_ids(*verb("release", "Let held jobs go", Verb::release));
        add_ids(*verb("retry", "Try ended jobs again, as new jobs linked to them", Verb::retry));
        add_adopt();
        verb("status", "Show the daemon, its providers and the jobs by state", Verb::status);
        CLI::App* models = verb("models", "Show the models that the daemon knows", Verb::models);
        models->add_option("MODEL", options_.model, "Show what this one takes, gives and costs");
        models->footer(models_examples);
        add_verify();
        CLI::App* backup = verb("backup", "Copy the databases while the daemon works", Verb::backup);
        backup->add_option("FILE", options_.file, "The copy; no file is ever replaced")->required();
        backup->footer(backup_examples);
        verb("doctor", "Check the installation and say how to mend it", Verb::doctor);
    }

    Parsed parse(const std::vector<std::string>& words) {
        Parsed parsed;
        std::vector<std::string> reversed(words.rbegin(), words.rend());
        try {
            app_.parse(std::move(reversed));
            finish();
            parsed.options = options_;
        } catch (const CLI::CallForHelp& error) {
            if (wants_model_help()) {
                parsed.options = options_;
                return parsed;
            }
            std::ostringstream out;
            parsed.exit = app_.exit(error, out, out) == 0 ? Exit::ok : Exit::usage;
            parsed.out = out.str();
        } catch (const CLI::ParseError& error) {
            std::ostringstream out;
            std::ostringstream err;
            parsed.exit = app_.exit(error, out, err) == 0 ? Exit::ok : Exit::usage;
            parsed.out = out.str();
            parsed.err = err.str();
        }
        return parsed;
    }

  private:
    CLI::App* verb(const std::string& name, const std::string& text, Verb value) {
        CLI::App* sub = app_.add_subcommand(name, text);
        sub->set_help_flag("-h,--help", "Print this help and end");
        sub->parse_complete_callback([this, value] { options_.verb = value; });
        add_shared(*sub);
        return sub;
    }

    // What a model takes is the daemon's to tell.
    bool wants_model_help() {
        if (!app_.got_subcommand("submit")) return false;
        CLI::App* submit = app_.get_subcommand("submit");
        if (submit->count("MODEL") == 0) return false;
        options_.verb = Verb::submit;
        options_.model = submit->get_option("MODEL")->as<std::string>();
        options_.help = submit->help("reel submit");
        // The search for help ends the parsing before the options before the verb are read.
        for (const CLI::App* app : {static_cast<const CLI::App*>(&app_),
                                    static_cast<const CLI::App*>(submit)}) {
            if (app->count("--socket") > 0) {
                options_.socket = app->get_option("--socket")->as<std::string>();
            }
            if (app->count("--json") > 0) options_.json = true;
        }
        return true;
    }

    void add_shared(CLI::App& app) {
        app.add_option("--socket", options_.socket, "The daemon's Unix socket")
            ->type_name("PATH");
        app.add_flag("--json", options_.json, "Print what the socket answers, as it is");
    }

    void add_ids(CLI::App& sub) {
        sub.add_option("ID", options_.ids, "Ids of jobs, or unique beginnings")->required();
    }

    void add_adopt() {
        CLI::App* sub = verb("adopt", "Give a job whose submit is unknown its request", Verb::adopt);
        // A list of ids would take the request's as well.
        sub->add_option_function<std::string>(
               "ID", [this](const std::string& id) { options_.ids = {id}; },
               "Id of the job, or its unique beginning")
            ->required();
        sub->add_option("REQUEST_ID", options_.request_id, "The request's id at the provider")
            ->required();
        sub->footer(adopt_examples);
    }

    void add_labels(CLI::App& sub) {
        sub.add_option("--label", options_.labels, "A label; may be repeated")
            ->type_name("k=v")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }

    void add_submit() {
        CLI::App* sub = verb("submit", "Submit a job and print its id", Verb::submit);
        sub->add_option("MODEL", options_.model, "Endpoint id of the model")->required();
        sub->add_option("INPUT", options_.pairs, "Members of the input")->type_name("key=value");
        sub->add_option("--input", options_.input_file, "The input as a JSON file; - is stdin")
            ->type_name("FILE");
        sub->add_option("--batch", options_.batch, "A name that groups jobs");
        sub->add_option("--priority", priority_, "Higher goes first (0)");
        sub->add_option("--not-before", options_.not_before, "Time or duration from now");
        sub->add_option("--deadline", options_.deadline, "Give up then: time or duration from now");
        sub->add_option("--max-attempts", max_attempts_, "Billed submits at most (5)");
        sub->add_option("--output", options_.output, "File name, as {batch}/{id}.{ext}");
        add_labels(*sub);
        sub->add_option("--id", options_.id, "Your own id: the same one twice is one job");
        auto* wait = sub->add_flag("--wait", options_.wait, "Wait for the files");
        sub->add_flag("--dry-run", options_.dry_run,
                      "Check it and tell cost and file; submit nothing")
            ->excludes(wait);
        sub->add_flag("--unchecked", options_.unchecked,
                      "Take a model or an input that the catalogue does not know");
        sub->add_flag("--no-reuse", options_.no_reuse,
                      "Upload the files anew, also when the provider has them");
        sub->add_option("--timeout", timeout_, "Wait at most so long")
            ->check(is_duration())
            ->needs(wait);
        sub->footer(submit_examples);
    }

    void add_list() {
        CLI::App* sub = verb("ls", "List jobs, newest first", Verb::ls);
        sub->add_option("--state", options_.states, "Only these states")
            ->delimiter(',')
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        sub->add_option("--batch", options_.batch, "Only this batch");
        sub->add_option("--model", options_.model, "Only this model");
        add_labels(*sub);
        auto* limit = sub->add_option("--limit", limit_, "At most so many (100)")
                          ->check(CLI::Range(1, 500));
        sub->add_flag("--all", options_.all, "All of them")->excludes(limit);
        sub->footer(list_examples);
    }

    void add_verify() {
        CLI::App* sub = verb("verify", "Prove that history and files are what they were",
                             Verb::verify);
        sub->add_flag("--no-files", options_.no_files, "Leave the files on disk alone");
        sub->add_option("--since", options_.since, "A head that an earlier verify printed")
            ->type_name("ID:HASH");
        sub->footer(verify_text);
    }

    void add_follow(CLI::App& sub, const char* footer, bool waits) {
        auto* ids = sub.add_option("ID", options_.ids, "Ids of jobs, or unique beginnings");
        auto* batch = sub.add_option("--batch", options_.batch, "All jobs of a batch");
        batch->excludes(ids);
        if (waits) sub.add_flag("--any", options_.any, "Until one of them has ended");
        sub.add_option("--timeout", timeout_, "At most so long")->check(is_duration());
        sub.footer(footer);
    }

    void finish() {
        if (!timeout_.empty()) options_.timeout = parse_duration(timeout_);
        if (app_.got_subcommand("submit")) {
            const CLI::App* sub = app_.get_subcommand("submit");
            if (sub->count("--priority") > 0) options_.priority = priority_;
            if (sub->count("--max-attempts") > 0) options_.max_attempts = max_attempts_;
        }
        if (app_.got_subcommand("ls") && app_.get_subcommand("ls")->count("--limit") > 0) {
            options_.limit = limit_;
        }
        if (options_.verb == Verb::wait && options_.ids.empty() && options_.batch.empty()) {
            throw CLI::RequiredError("wait needs an ID or --batch");
        }
    }

    CLI::App app_{"Turns video-generation jobs into files: the command line of reeld.", "reel"};
    Options options_;
    std::int64_t priority_ = 0;
    int max_attempts_ = 5;
    int limit_ = 100;
    std::string timeout_;
};

}  // namespace

Parsed parse_arguments(const std::vector<std::string>& words, const std::string& version) {
    return Grammar(version).parse(words);
}

std::string socket_path(const Options& options, const char* environment) {
    if (!options.socket.empty()) return options.socket;
    if (environment != nullptr && *environment != '\0') return environment;
    return "/run/reeld/reeld.sock";
}

}  // namespace reeld::reel
