/* Has a static function of the name of one of main.c's, which is another. */
#include "bpf.h"

static volatile int four = 4;

static __noinline int twist(int x)
{
	return x + 1000;
}

SEC("xdp")
int fourth(void *ctx)
{
	return twist(four);
}
