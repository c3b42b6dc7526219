// A library without frame pointers, which calls back into the program.
typedef void (*work)(int);

__attribute__((noinline)) void in_library(work w, int n)
{
	volatile char pad[200];

	pad[n % 200] = 1;
	w(n + 1);
	pad[0] = 2;
}
