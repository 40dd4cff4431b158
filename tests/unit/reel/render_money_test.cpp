// Money as people read it.
#include <doctest/doctest.h>

#include "reel/render_job.hpp"
#include "reel/render_money.hpp"
#include "reel/render_status.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

Look terminal() {
    Look look;
    look.terminal = true;
    look.width = 100;
    return look;
}

json::object object(std::string_view text) { return parse_json(text).value().as_object(); }

const json::object sum = object(R"({"spent_usd":3.24,"by_estimate_usd":2.81,"reserved_usd":0.54,
  "possibly_billed_usd":0.27,"submits":12,"unpriced_submits":1})");

}  // namespace

TEST_CASE("a sum is a sentence that leaves out what is nothing") {
    CHECK(money_words(sum) ==
          "spent $3.24 in 12 submits ($2.81 of it by estimate), reserved $0.54; possibly billed "
          "$0.27 on top; 1 submit without a known price");
    CHECK(money_words(object(R"({"spent_usd":0.0105,"submits":1})")) ==
          "spent $0.0105 in 1 submit");
    json::object answer{{"jobs", json::array{}}};
    CHECK(batch_total("night", answer).empty());
    answer["money"] = object(R"({"spent_usd":0.54,"submits":2})");
    CHECK(batch_total("ni\x1bght", answer) == "ni ght: spent $0.54 in 2 submits\n");
}

TEST_CASE("the status has a section of money, by model and by batch") {
    json::object status = object(R"({"version":"1","uptime_s":1,"money":{"day":"2026-11-21",
      "reserved_usd":0.54,"possibly_billed_usd":1.5,"batches_left_out":3,
      "models":[{"model":"fal-ai/m","provider":"fal"}],"batches":[{"batch":"night"}]}})");
    json::object& money = status["money"].as_object();
    money["today"] = sum;
    money["models"].as_array()[0].as_object()["today"] = sum;
    money["batches"].as_array()[0].as_object()["today"] = sum;
    money["batches"].as_array()[0].as_object()["in_all"] = object(R"({"spent_usd":7.5})");
    const std::string text = render_status(status, terminal());
    CHECK(text.find("money       today, 2026-11-21: spent $3.24 in 12 submits") !=
          std::string::npos);
    CHECK(text.find("in all: reserved $0.54, possibly billed $1.50\n") != std::string::npos);
    CHECK(text.find("TODAY BY MODEL  SPENT  RESERVED  MAYBE  SUBMITS  NO PRICE\n"
                    "fal-ai/m        $3.24     $0.54  $0.27       12         1\n") !=
          std::string::npos);
    CHECK(text.find("night           $3.24     $0.54  $0.27       12         1   $7.50\n"
                    "and 3 more batches\n") != std::string::npos);
    const std::string plain = render_status(status, Look{});
    CHECK(plain.find("money.today\t3.24\t2.81\t0.54\t0.27\t12\t1\n") != std::string::npos);
    CHECK(plain.find("money.possibly_billed\t1.5\n") != std::string::npos);
    CHECK(plain.find("money.model.fal-ai/m\t3.24\t") != std::string::npos);
    CHECK(plain.find("money.batch.night\t3.24\t") != std::string::npos);
    CHECK(render_money(object("{}"), terminal()).empty());
}

TEST_CASE("a cost by estimate is marked, and a job shows no nothings on a terminal") {
    json::object job = object(R"({"id":"a","model":"m","state":"completed","cost_usd":0.27,
      "cost_by_estimate_usd":0.27,"estimated_cost_usd":0.27,"estimate_is_sure":false,
      "reserved_usd":0,"possibly_billed_usd":0.54,"unpriced_submits":0})");
    CHECK(render_list({job}, terminal()).find("~$0.27") != std::string::npos);
    const std::string text = render_job(job, terminal());
    CHECK(text.find("cost_usd        $0.27\n") != std::string::npos);
    CHECK(text.find("estimated_cost_usd  ~$0.27\n") != std::string::npos);
    CHECK(text.find("possibly_billed_usd  $0.54\n") != std::string::npos);
    for (const auto* absent : {"reserved_usd", "unpriced_submits", "estimate_is_sure"}) {
        CHECK(text.find(absent) == std::string::npos);
    }
    CHECK(render_job(job, Look{}).find("reserved_usd\t0\n") != std::string::npos);
    job["cost_by_estimate_usd"] = 0;
    CHECK(render_list({job}, terminal()).find(" $0.27") != std::string::npos);
}
