// The functions of a TCP congestion control that does nothing sensible.
#pragma once
#include "kernel.h"

SEC("struct_ops/ssthresh")
__u32 ssthresh(__u64 *ctx)
{
	return 2;
}
SEC("struct_ops/undo_cwnd")
__u32 undo_cwnd(__u64 *ctx)
{
	return 10;
}
SEC("struct_ops/cong_avoid")
void cong_avoid(__u64 *ctx)
{
}
