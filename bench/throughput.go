package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// lostLine is how both tools report events that they lost.
var lostLine = regexp.MustCompile(`(?i)lost (\d+) events`)

// spinCalls is how many system calls the load of the throughput table makes.
const spinCalls = 2_000_000

// throughput has a line printed for each of a known number of system calls, made as fast
// as one thread can while it's traced: how many lines arrive, in how much of the tool's time.
func (b *bench) throughput() error {
	name := filepath.Base(os.Args[0])
	name = name[:min(len(name), 15)] // TASK_COMM_LEN
	text := fmt.Sprintf(`tracepoint:syscalls:sys_enter_getppid /comm == %q/ { printf("%%d %%d %%s %%d %%llu\n", pid, tid, comm, cpu, nsecs); }`, name)
	fmt.Printf("\n### Printing at full rate: %d events\n\n| tool | lines | reported lost | lines / peer |\n|---|---:|---:|---:|\n", spinCalls)
	got := make([]float64, len(b.tools))
	lost := make([]float64, len(b.tools))
	for i, t := range b.tools {
		var lines, losses []float64
		for range b.rounds {
			n, l, err := printed(append(t.cmd, "-e", text), name)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			lines, losses = append(lines, n), append(losses, l)
		}
		got[i], lost[i] = median(lines), median(losses)
	}
	for i, t := range b.tools {
		fmt.Printf("| %s | %.0f | %.0f | %.2f |\n", t.name, got[i], lost[i], got[i]/got[len(got)-1])
	}
	return nil
}

// spin makes so many system calls that do nothing.
func spin(args []string) {
	n := 0
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0])
	}
	for range n {
		_, _, _ = syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
}

// printed runs a tool with the load under it, and counts the lines that have the load's
// name, and the events that the tool says it lost.
func printed(cmd []string, name string) (lines, lost float64, err error) {
	out, err := os.CreateTemp("", "bench")
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := underLoad(cmd, []string{"spin", fmt.Sprint(spinCalls)}, out, nil); err != nil {
		return 0, 0, err
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		return 0, 0, err
	}
	for _, m := range lostLine.FindAllSubmatch(data, -1) {
		n, _ := strconv.ParseFloat(string(m[1]), 64)
		lost += n
	}
	return float64(bytes.Count(data, []byte(" "+name+" "))), lost, nil
}
