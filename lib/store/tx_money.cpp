// The sums of money, which triggers keep beside the submits.
#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

MoneySum read_sum(const Query& row) {
    MoneySum sum;
    sum.submits = row.integer("submits");
    sum.unpriced = row.integer("unpriced");
    sum.reserved_micro_usd = row.integer("reserved_micro_usd");
    sum.settled_micro_usd = row.integer("settled_micro_usd");
    sum.estimated_micro_usd = row.integer("estimated_micro_usd");
    sum.possible_micro_usd = row.integer("possible_micro_usd");
    return sum;
}

}  // namespace

std::vector<MoneyOfDay> Tx::money_of_day(std::string_view day) {
    Query query(connection_, sql::money_of_day);
    query.text(":day", day);
    std::vector<MoneyOfDay> rows;
    while (query.next()) {
        rows.push_back({query.text("provider"), query.text("model"), query.text("batch"),
                        read_sum(query)});
    }
    return rows;
}

MoneySum Tx::money_of_batch(std::string_view batch) {
    Query query(connection_, sql::money_of_batch);
    query.text(":batch", batch).next();
    return read_sum(query);
}

MoneySum Tx::open_money() {
    Query query(connection_, sql::money_open);
    query.next();
    MoneySum sum;
    sum.reserved_micro_usd = query.integer("reserved_micro_usd");
    sum.possible_micro_usd = query.integer("possible_micro_usd");
    return sum;
}

}  // namespace reeld::store
