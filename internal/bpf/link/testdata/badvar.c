/* Declares a variable of lib.c's with another type. */
#include "bpf.h"
extern __u64 base;
SEC("xdp")
int badvar(void *ctx) { return base; }
