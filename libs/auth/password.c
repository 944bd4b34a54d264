#include "auth/password.h"

#include "runtime/random.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_BYTES = 16 };

static const struct error PASSWORD_TOO_LONG =
    ERROR(400, "password must be shorter than or equal to 72 bytes");
static const struct error PASSWORD_HAS_NUL =
    ERROR(400, "password must not contain a NUL character");

/* What libcrypt calls a setting: algorithm, cost and salt, `$2b$12$` and 22 characters. A hash
 * begins with its setting and may stand in its place. */
struct setting {
    char text[CRYPT_GENSALT_OUTPUT_SIZE];
};

struct passwords {
    struct offload_pool *pool;
    unsigned cost;
    struct setting nobody; /* hashed with instead of a hash that is not there */
};

/* One hash under way. On the heap, because its 33 KB would soon fill an arena, and wiped
 * afterwards. */
struct job {
    char password[PASSWORD_BYTES_MAX + 1];
    struct setting setting;
    const char *hash; /* in `scratch`; NULL when libcrypt failed */
    struct crypt_data scratch;
};

static bool setting_new(unsigned cost, struct setting *out)
{
    char salt[SALT_BYTES];

    random_bytes(salt, sizeof salt);
    return crypt_gensalt_rn("$2b$", cost, salt, sizeof salt, out->text, sizeof out->text);
}

error passwords_new(struct arena *arena, const struct password_options *options,
                    struct passwords **out)
{
    struct passwords *passwords = ARENA_NEW(arena, struct passwords);
    struct offload_options pool = {
        .name = "passwords",
        .threads = options->threads,
        .queue_max = options->queue_max,
        .background = true,
    };

    if (!passwords)
        return &ERROR_OUT_OF_MEMORY;
    if (options->cost < PASSWORD_COST_MIN || options->cost > PASSWORD_COST_MAX)
        return error_new(arena, 500, "The cost of a password hash must be %d to %d, not %u",
                         PASSWORD_COST_MIN, PASSWORD_COST_MAX, options->cost);
    passwords->cost = options->cost;
    if (!setting_new(options->cost, &passwords->nobody))
        return error_new(arena, 500, "libcrypt has no bcrypt");
    TRY(offload_pool_new(arena, &pool, &passwords->pool));
    *out = passwords;
    return NULL;
}

void passwords_free(struct passwords *passwords)
{
    if (passwords)
        offload_pool_free(passwords->pool);
}

/* Of a password that is too long the job gets the beginning: its work counts, not its result. */
static struct job *job_new(str password)
{
    struct job *job = calloc(1, sizeof *job);
    size_t len = password.len < PASSWORD_BYTES_MAX ? password.len : PASSWORD_BYTES_MAX;

    if (job && len)
        memcpy(job->password, password.at, len);
    return job;
}

static void job_free(struct job *job)
{
    explicit_bzero(job, sizeof *job);
    free(job);
}

static void compute(void *argument)
{
    struct job *job = argument;

    job->hash = crypt_rn(job->password, job->setting.text, &job->scratch, sizeof job->scratch);
}

static error check_password(str password)
{
    if (password.len > PASSWORD_BYTES_MAX)
        return &PASSWORD_TOO_LONG;
    return str_find(password, '\0') < password.len ? &PASSWORD_HAS_NUL : NULL;
}

static error hash_in_job(struct call *call, struct passwords *passwords, struct job *job, str *out)
{
    if (!setting_new(passwords->cost, &job->setting))
        return &ERROR_INTERNAL;
    TRY(offload_run(call, passwords->pool, compute, job));
    if (!job->hash || strlen(job->hash) != PASSWORD_HASH_TEXT)
        return &ERROR_INTERNAL;

    str hash = arena_copy(call->arena, str_of(job->hash));

    if (!hash.at)
        return &ERROR_OUT_OF_MEMORY;
    *out = hash;
    return NULL;
}

error password_hash(struct call *call, struct passwords *passwords, str password, str *out)
{
    TRY(check_password(password));

    struct job *job = job_new(password);

    if (!job)
        return &ERROR_OUT_OF_MEMORY;

    error failed = hash_in_job(call, passwords, job, out);

    job_free(job);
    return failed;
}

static bool is_bcrypt_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '.' && c <= '9');
}

/* Whether libcrypt will take the text as a setting and work as long as its cost says, at most
 * MAX. */
static bool is_hash(str hash)
{
    str prefix = str_slice(hash, 0, 4);
    uint64_t cost;

    if (hash.len != PASSWORD_HASH_TEXT || hash.at[6] != '$')
        return false;
    if (!str_is(prefix, "$2a$") && !str_is(prefix, "$2b$") && !str_is(prefix, "$2y$"))
        return false;
    if (!str_to_uint(str_slice(hash, 4, 2), PASSWORD_COST_MAX, &cost) || cost < PASSWORD_COST_MIN)
        return false;
    for (size_t i = 7; i < hash.len; i++)
        if (!is_bcrypt_digit(hash.at[i]))
            return false;
    return true;
}

static bool hash_matches(const struct job *job, str hash)
{
    return job->hash && strlen(job->hash) == hash.len &&
           CRYPTO_memcmp(job->hash, hash.at, hash.len) == 0;
}

error password_verify(struct call *call, struct passwords *passwords, str password, str hash,
                      bool *out)
{
    bool known = is_hash(hash), possible = known && !check_password(password);
    struct job *job = job_new(password);

    if (!job)
        return &ERROR_OUT_OF_MEMORY;
    if (known)
        memcpy(job->setting.text, hash.at, hash.len);
    else
        job->setting = passwords->nobody;

    error failed = offload_run(call, passwords->pool, compute, job);

    if (!failed)
        *out = possible && hash_matches(job, hash);
    job_free(job);
    return failed;
}
