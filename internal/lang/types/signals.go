package types

import "strings"

// signalNames are Linux's signals by number, from 1 (asm-generic/signal.h).
func signalNames() []string {
	return []string{"SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
		"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
		"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
		"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"}
}

// signalNumber is the number of a signal, with or without its SIG; 0: there is none.
func signalNumber(name string) uint64 {
	for i, s := range signalNames() {
		if s == name || strings.TrimPrefix(s, "SIG") == name {
			return uint64(i + 1)
		}
	}
	return 0
}
