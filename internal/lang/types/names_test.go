package types

import "testing"

func TestNameTable(t *testing.T) {
	for _, tt := range []struct {
		call, arch string
		n          int
		want       string
	}{
		{"strerror", "", 0, "Success"},
		{"strerror", "", 11, "Try again (operation would block)"},
		{"strerror", "", 41, ""}, // a hole
		{"strerror", "", 133, "Memory page has hardware error"},
		{"signal_name", "", 9, "Killed"},
		{"signal_name", "", 33, "Unknown signal 33"},
		{"signal_name", "", 34, "Real-time signal 0"},
		{"signal_name", "", 64, "Real-time signal 30"},
		{"syscall_name", "amd64", 0, "read"},
		{"syscall_name", "amd64", 59, "execve"},
		{"syscall_name", "amd64", 424, "pidfd_send_signal"},
		{"syscall_name", "amd64", 400, ""},
		{"syscall_name", "arm64", 63, "read"},
		{"syscall_name", "arm64", 221, "execve"},
		{"syscall_name", "arm64", 424, "pidfd_send_signal"},
	} {
		names, _ := NameTable(findBuiltin(tt.call), tt.arch)
		if tt.n >= len(names) || names[tt.n] != tt.want {
			t.Errorf("%s(%d) on %s isn't %q", tt.call, tt.n, tt.arch, tt.want)
		}
	}
}

// Names have to fit into what the calls give, their NUL included.
func TestNamesFit(t *testing.T) {
	for _, call := range []string{"strerror", "signal_name", "syscall_name"} {
		for _, arch := range []string{"amd64", "arm64"} {
			names, unknown := NameTable(findBuiltin(call), arch)
			for _, s := range append(names, unknown) {
				if len(s) >= nameSize {
					t.Errorf("%s: %q doesn't fit", call, s)
				}
			}
		}
	}
}
