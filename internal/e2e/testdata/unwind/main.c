// A program without frame pointers. For each line of its input it calls innermost in the ways
// that are hard to unwind: through a library, from a function whose frame's size is known at
// run time only, and from a signal's handler.
#include <alloca.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void in_library(void (*w)(int), int n);

volatile int sink;

__attribute__((noinline)) void innermost(int n)
{
	sink += n;
	getppid();
	sink++;
}

__attribute__((noinline)) void by_alloca(int n)
{
	char *p = alloca(n * 16 + 32);

	memset(p, n, n * 16 + 32);
	sink += p[n];
	innermost(n);
	sink += p[1];
}

__attribute__((noinline)) void from_library(int n)
{
	volatile int a[50];

	a[n % 50] = n;
	by_alloca(n);
	sink += a[0];
}

__attribute__((noinline)) void outer(int n)
{
	in_library(from_library, n);
	sink++;
}

__attribute__((noinline)) void handler(int s)
{
	innermost(s);
	sink++;
}

int main(void)
{
	char line[80];

	signal(SIGUSR2, handler);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		outer(3);
		raise(SIGUSR2);
	}
	return 0;
}
