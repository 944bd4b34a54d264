/* Nanoseconds of processor time to read and to write an order of 447 bytes; best of several
 * rounds. Not built by default:
 *
 *     cc -O2 -D_GNU_SOURCE -Ilibs libs/schema/schema_bench.c <libs/{base,json,schema}, no
 * tests> -lm */
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 7,
    CALLS = 200000,
};

static const char *const METHODS[] = { "card", "bank_transfer", "cash_on_delivery", NULL };

struct item {
    str product_id, name;
    money price;
    int64_t quantity;
};

struct address {
    str street, city, postal_code, country;
};

struct order {
    uuid user_id;
    struct {
        struct item *at;
        size_t len;
    } items;
    struct address *shipping_address;
    str payment_method;
};

SCHEMA(item, FIELD(product_id, RULES(IS_STRING, LENGTH(1, 200))),
       FIELD(name, RULES(IS_STRING, LENGTH(1, 200))),
       FIELD(price, RULES(MAX_DECIMALS(2), IS_POSITIVE, AT_MOST(1000000))),
       FIELD(quantity, RULES(IS_INT, AT_LEAST(1), AT_MOST(10000))));

SCHEMA(address, FIELD(street, RULES(IS_STRING, LENGTH(1, 200))),
       FIELD(city, RULES(IS_STRING, LENGTH(1, 200))),
       FIELD(postal_code, RULES(IS_STRING, LENGTH(1, 200))),
       FIELD(country, RULES(IS_ISO31661_ALPHA2)));

SCHEMA(order, FIELD(user_id),
       LIST(items, .of = item_schema, RULES(IS_ARRAY, ARRAY_MIN_SIZE(1), ARRAY_MAX_SIZE(100))),
       FIELD(shipping_address, .of = address_schema),
       FIELD(payment_method, RULES(IS_IN(METHODS))));

static const str ORDER = STR_INIT(
    "{\"userId\":\"0190a6b4-1c2d-7e3f-8a9b-0c1d2e3f4a5b\",\"items\":["
    "{\"productId\":\"sku-1001\",\"name\":\"Tastatură mecanică, "
    "ISO\",\"price\":349.99,\"quantity\":1},"
    "{\"productId\":\"sku-2002\",\"name\":\"Cablu USB-C împletit\",\"price\":24.5,\"quantity\":3},"
    "{\"productId\":\"sku-3003\",\"name\":\"Mouse pad\",\"price\":59,\"quantity\":2}],"
    "\"shippingAddress\":{\"street\":\"Strada Lungă 12, ap. 4, interfon 4\",\"city\":\"Brașov\","
    "\"postalCode\":\"500035\",\"country\":\"RO\"},\"paymentMethod\":\"card\"}");

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail_on(error e)
{
    if (!e)
        return;
    fprintf(stderr, "%s\n", e->messages ? e->messages->at[0].at : e->message);
    exit(1);
}

struct bench {
    struct arena *arena;
    struct buf out;
    struct order order;
};

static void parse(struct bench *bench)
{
    const struct json *value;

    fail_on(json_parse(bench->arena, ORDER, &value));
}

static void parse_and_read(struct bench *bench)
{
    fail_on(schema_parse(order_schema(), bench->arena, ORDER, SCHEMA_REFUSE, &bench->order));
}

static void write(struct bench *bench)
{
    buf_clear(&bench->out);
    schema_write(order_schema(), &bench->order, &bench->out);
}

static void measure(const char *name, struct bench *bench, void (*work)(struct bench *bench))
{
    double best = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();

        for (int i = 0; i < CALLS; i++) {
            work(bench);
            if (work != write)
                arena_reset(bench->arena);
        }
        double each = (now_ns() - start) / CALLS;

        best = round && best < each ? best : each;
    }
    printf("%-16s %6.0f ns\n", name, best);
}

int main(void)
{
    struct bench bench = { .arena = arena_new(ARENA_CALL_MAX), .out = buf_new(1 << 20) };

    printf("%zu bytes\n", ORDER.len);
    measure("parse", &bench, parse);
    measure("parse and read", &bench, parse_and_read);
    parse_and_read(&bench);
    measure("write", &bench, write);
    buf_free(&bench.out);
    arena_free(bench.arena);
    return 0;
}
