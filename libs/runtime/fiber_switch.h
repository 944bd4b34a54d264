/* Switching stacks: Boost.Context's C functions, and what the sanitizers and valgrind must be told about it. */
#pragma once

#include <stddef.h>

/* The two functions of libboost_context that Cuib uses; their names and types have been stable since 1.61. */
typedef void *switch_context;

struct switch_result {
    switch_context from; /* where whoever jumped here can be continued */
    void *data;
};

struct switch_result jump_fcontext(switch_context to, void *data);
switch_context make_fcontext(void *stack_top, size_t size, void (*entry)(struct switch_result));

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SWITCH_ASAN 1
#elif __has_feature(thread_sanitizer)
#define SWITCH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SWITCH_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define SWITCH_TSAN 1
#endif

#ifdef SWITCH_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *saved, const void **old_bottom, size_t *old_size);
#define switch_begin(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define switch_end(saved, bottom, size) __sanitizer_finish_switch_fiber(saved, bottom, size)
#else
#define switch_begin(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define switch_end(saved, bottom, size) ((void)(saved), (void)(bottom), (void)(size))
#endif

#ifdef SWITCH_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#define switch_tsan_create() __tsan_create_fiber(0)
#define switch_tsan_destroy(fiber) __tsan_destroy_fiber(fiber)
#define switch_tsan_current() __tsan_get_current_fiber()
#define switch_tsan_to(fiber) __tsan_switch_to_fiber(fiber, 0)
#else
#define switch_tsan_create() NULL
#define switch_tsan_destroy(fiber) ((void)(fiber))
#define switch_tsan_current() NULL
#define switch_tsan_to(fiber) ((void)(fiber))
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define switch_register(low, high) VALGRIND_STACK_REGISTER(low, high)
#define switch_deregister(id) VALGRIND_STACK_DEREGISTER(id)
#define switch_on_valgrind() RUNNING_ON_VALGRIND
#else
#define switch_register(low, high) ((void)(low), (void)(high), 0u)
#define switch_deregister(id) ((void)(id))
#define switch_on_valgrind() 0u
#endif
