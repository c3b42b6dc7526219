package verdict

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name, log string
		slot      int
		words     string
		plain     string // part of the plain words, "" for none
	}{
		{"scalar as pointer", `func#0 @0
0: R1=ctx() R10=fp0
; begin { print(*5); } @ stdin:1
0: (18) r1 = 0x5                      ; R1_w=5
2: (b7) r0 = 0                        ; R0_w=0
3: (79) r2 = *(u64 *)(r1 +0)
R1 invalid mem access 'scalar'
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`, 3, "R1 invalid mem access 'scalar'", "number is used as an address"},
		{"kernel 5.10", `0: (b7) r1 = 5
1: R1_w=inv5 R10=fp0
1: (79) r2 = *(u64 *)(r1 +0)
R1 invalid mem access 'inv'
verification time 32 usec
stack depth 0
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`, 1, "R1 invalid mem access 'inv'", "number is used as an address"},
		{"no symbols of variables", `ldimm64 failed to find the address for kernel symbol 'runqueues'.
processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`, -1, "ldimm64 failed to find the address for kernel symbol 'runqueues'.", "CONFIG_KALLSYMS_ALL"},
		{"kernel 7.3", `0: (b7) r2 = -13
1: (85) call bpf_override_return#58
program of this type cannot use helper bpf_override_return#58

Verification failed: Policy: Operation is not allowed

Reason:
  The helper bpf_override_return#58 is not allowed.
At:
  kprobe_1 @ stdin:1:9
processed 2 insns (limit 1000000)
`, 1, "program of this type cannot use helper bpf_override_return#58", "CONFIG_BPF_KPROBE_OVERRIDE"},
		{"loop", `0: (b7) r0 = 0
1: (05) goto pc-1
from 1 to 1: R0=0 R1=ctx() R10=fp0
infinite loop detected at insn 1
cur state: R0=0 R1=ctx() R10=fp0
processed 2 insns (limit 1000000)
`, 1, "infinite loop detected at insn 1", "loop's end"},
		{"back edge before any walk", "back-edge from insn 7 to 3\nprocessed 0 insns (limit 1000000)\n", 7, "back-edge from insn 7 to 3", "may not"},
		{"too large", "12: (07) r1 += 1\nBPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns\n", 12, "BPF program is too large. Processed 1000001 insn", "million"},
		{"helper", "5: (85) call bpf_probe_write_user#36\nprogram of this type cannot use helper bpf_probe_write_user#36\nprocessed 6 insns\n", 5,
			"program of this type cannot use helper bpf_probe_write_user#36", "locked down"},
		{"cut log", "1: (b7) r0 = 0\n2: (95) exit\n", 2, "", ""},
	}
	for _, tt := range tests {
		slot, words := Of(tt.log)
		if slot != tt.slot || words != tt.words {
			t.Errorf("%s: slot %d, %q; want %d, %q", tt.name, slot, words, tt.slot, tt.words)
		}
		if plain := Means(words); !strings.Contains(plain, tt.plain) || (plain == "") != (tt.plain == "") {
			t.Errorf("%s: in plain words %q", tt.name, plain)
		}
	}
}

func TestLine(t *testing.T) {
	for log, want := range map[string]string{
		"":                                    "",
		"0: (b7) r0 = 0\nprocessed 1 insns\n": "",
		"; int a = 1; @ a.c:3\n0: (b7) r0 = 0\n; return *p; @ a.c:4\n1: (71) r0 = *(u8 *)(r1 +0)\nR1 invalid mem access 'scalar'\n":      "return *p; @ a.c:4",
		"; return *p; @ a.c:4\nR1 invalid mem access 'scalar'\n\nVerification failed: Memory\n; int other; @ a.c:1\nprocessed 1 insns\n": "return *p; @ a.c:4",
	} {
		if got := Line(log); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
}
