// A program whose section's name says nothing, which is for XDP.
#include "kernel.h"

SEC("my/own/section")
int own(struct xdp_md *ctx)
{
	return XDP_PASS;
}
