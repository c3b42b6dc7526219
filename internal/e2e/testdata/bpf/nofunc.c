// A program for a kernel function that there isn't.
#include "kernel.h"

SEC("fentry/there_is_no_such_function")
int nowhere(void *ctx)
{
	return 0;
}
