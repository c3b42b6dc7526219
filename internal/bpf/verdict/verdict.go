// Package verdict reads the log in which the kernel's verifier says why it refuses a program.
package verdict

import (
	"strconv"
	"strings"
)

// Of finds in a verifier log the slot of the instruction at fault (-1: none is
// named) and the verifier's complaint. The log is a trace of the path walked: lines of
// registers, "12: (79) r1 = …", source lines after "; ", and at the end the complaint,
// before the statistics ("processed 13 insns …").
func Of(log string) (slot int, words string) {
	slot = -1
	var said []string
	retold := false // kernels since 7.2 tell it all once more, in paragraphs
	for line := range strings.SplitSeq(log, "\n") {
		line = strings.TrimSpace(line)
		switch at, isInsn := traced(line); {
		case isInsn:
			slot, said = at, said[:0]
		case strings.HasPrefix(line, "processed "), strings.HasPrefix(line, "verification time "):
			return named(slot, said)
		case strings.HasPrefix(line, "Verification failed:"):
			retold = true
		case line == "" || retold || narration(line):
		default:
			said = append(said, line)
		}
	}
	return named(slot, said)
}

// named joins the complaint's lines; an instruction that they name goes before the last
// one walked.
func named(slot int, said []string) (int, string) {
	words := strings.Join(said, "; ")
	for _, before := range []string{"infinite loop detected at insn ", "back-edge from insn ", "unreachable insn ", "insn "} {
		_, after, ok := strings.Cut(words, before)
		if !ok {
			continue
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(after)
		}
		if n, err := strconv.Atoi(after[:end]); err == nil {
			return n, words
		}
	}
	return slot, words
}

// traced reports whether a line of the log shows an instruction, and which:
// "12: (79) r1 = *(u64 *)(r1 +0)".
func traced(line string) (slot int, ok bool) {
	num, rest, found := strings.Cut(line, ": ")
	if !found || !strings.HasPrefix(rest, "(") {
		return 0, false
	}
	slot, err := strconv.Atoi(num)
	return slot, err == nil
}

// narration reports whether a line only tells where the verifier is: register states
// ("R1=ctx() R10=fp0", "3: R0_w=…"), source lines, jumps back, precision tracking.
func narration(line string) bool {
	if num, rest, ok := strings.Cut(line, ": "); ok {
		if _, err := strconv.Atoi(num); err == nil && strings.HasPrefix(rest, "R") {
			return true
		}
	}
	for _, start := range []string{"; ", "func#", "from ", "last_idx ", "regs=", "parent ", "mark_precise: ", "frame", "caller:", "callee:", "returning from callee:", "to caller at ", "Live regs before insn:", "Validating ", "stack depth ", "cur state:", "old state:"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	reg, _, ok := strings.Cut(line, "=")
	return ok && len(reg) <= 5 && reg[0] == 'R' && reg[len(reg)-1] != ' '
}

// Means says in plain words what a complaint means, or "".
func Means(words string) string {
	for _, v := range verdicts {
		if strings.Contains(words, v.said) {
			return v.means
		}
	}
	return ""
}

// verdicts are the verifier's well-known complaints (kernel/bpf/verifier.c), the more
// special ones first.
var verdicts = []struct{ said, means string }{
	{"mem access 'scalar'", "a number is used as an address: the value isn't a pointer the kernel knows, so it has to be read with a probe read (a cast to the right pointer type does that)"},
	{"mem access 'map_value_or_null'", "a map lookup can find nothing, and that isn't checked before the value is used"},
	{"mem access 'ringbuf_mem_or_null'", "a ring buffer reservation can fail, and that isn't checked"},
	{"_or_null_", "a pointer that may be null is used without a check"},
	{"mem access 'inv'", "a number is used as an address: it has to be read with a probe read"},
	{"mem access 'ctx'", "the context has no field at this offset, or not of this size"},
	{"invalid bpf_context access", "the context has no field at this offset, or not of this size, for this kind of probe"},
	{"invalid indirect read from stack", "memory given to a helper isn't all written before"},
	{"invalid read from stack", "stack memory is read that was never written"},
	{"invalid write to stack", "a write goes beyond the 512 bytes of stack"},
	{"invalid access to map value", "an access goes beyond the map's value"},
	{"invalid access to memory", "an access goes beyond the object"},
	{"invalid access to packet", "a packet is read beyond what was checked: compare with its end before"},
	{"unbounded memory access", "an index or length has no upper bound that the verifier can see"},
	{"min value is negative", "an index or length may be negative"},
	{"R2 is not", "a length or pointer isn't what the helper expects"},
	{"BPF program is too large", "the verifier gave up after a million steps: loops are too long or branch too much"},
	{"too many instructions", "the program is too long for this kernel or this user (4096 instructions without CAP_BPF)"},
	{"The sequence of", "the program jumps too much for the verifier"},
	{"combined stack size", "the functions' stacks together exceed 512 bytes: use smaller strings and fewer variables"},
	{"infinite loop detected", "the loop's end can't be proven: nothing that the verifier sees changes from turn to turn"},
	{"back-edge", "the program loops, and this kernel or user may not"},
	{"unreachable insn", "an instruction can never run (a compiler mistake: please report it)"},
	{"calling kernel function", "this kernel function can't be called from this kind of probe"},
	{"bpf_override_return#", "override() takes a kernel built with CONFIG_BPF_KPROBE_OVERRIDE"},
	{"bpf_probe_write_user#", "the kernel is locked down, or doesn't let this user write to a process's memory"},
	{"invalid func unknown", "this kernel has no such helper"},
	{"unknown func", "this kernel has no such helper, or doesn't allow it in this kind of probe"},
	{"program of this type cannot use helper", "the helper isn't allowed in this kind of probe"},
	{"cannot call GPL-restricted function", "the helper is for programs with a GPL-compatible license"},
	{"loading/calling", "the kernel lacks what this program uses"},
	{"helper call is not allowed", "the helper isn't allowed in this kind of probe"},
	{"missing btf func_info", "the kernel took no type information from us, which loops by callback need"},
	{"attach_btf_id", "the target isn't one that this kind of probe can attach to"},
	{"failed to find the address for kernel symbol", "the kernel's types tell of this variable, but its own list of symbols doesn't: it takes a kernel built with CONFIG_KALLSYMS_ALL"},
	{"is not allowed in", "not allowed in this kind of probe"},
	{"expected=ptr_", "the helper takes a pointer that the verifier knows, straight from args: one out of a map, or reckoned with, is a number to it"},
	{"Possibly NULL pointer passed", "a pointer that may be null is passed on without a check"},
	{"leads to invalid memory access", "an access goes beyond the object"},
	{"pointer arithmetic", "arithmetic on this kind of pointer is not allowed"},
	{"math between", "arithmetic on this pointer leaves what the verifier can follow"},
	{"unprivileged", "needs CAP_BPF and CAP_PERFMON, or root"},
	{"misaligned", "the address isn't a multiple of the size"},
}

// Line is the source line that a log names last before its complaint, with file and number
// where the kernel tells them ("x = *p; @ a.c:12"); "" when the program has none.
func Line(log string) string {
	last := ""
	for line := range strings.SplitSeq(log, "\n") {
		if strings.HasPrefix(line, "Verification failed:") {
			break // what follows tells it once more
		}
		if src, ok := strings.CutPrefix(line, "; "); ok {
			last = strings.TrimSpace(src)
		}
	}
	return last
}
