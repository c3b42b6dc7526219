/* Defines what main.c declares. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

struct owner {
	struct node *first;
	int id;
};

enum wide { WIDE_LOW = 1, WIDE_HIGH = 1ULL << 40 };

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct node);
} nodes SEC(".maps");

struct owner owner = {.id = 1};
int odd = 3;
int base __attribute__((btf_decl_tag("offset"))) = 100;
int bias = 20;
enum wide wide = WIDE_HIGH;
static int calls = 40;

static __noinline int turn(int x)
{
	return x + calls++;
}

__hidden __noinline int scale(int by, struct node *n)
{
	if (!n || n->owner)
		return -1;
	return by * n->value + turn(1);
}

__noinline int round_up(int x)
{
	return (x + 9) / 10 * 10;
}

SEC("xdp")
int third(void *ctx)
{
	return turn(odd);
}
