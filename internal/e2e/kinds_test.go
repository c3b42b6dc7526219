//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// kindCase is a row of docs/kernels.md: something that a kernel must let skep do, and how
// it's seen to work.
type kindCase struct {
	row    string
	kind   probe.Kind // Invalid: the row isn't a kind of probe's
	args   []string   // skep's; $BIN is where the programs are
	before func(*testing.T)
	during func(*testing.T, *os.Process)
	want   string // a regular expression on what skep prints
	needs  []testkit.Requirement
	// varies: other machines with the host's kernel may differ, so that its column
	// isn't compared; under emulation it may fail and succeed, so that it's tried twice.
	varies bool
}

// What rows need of the kernel or the machine.
var (
	kprobes     = testkit.Feature("kprobe")
	kprobeMulti = testkit.Feature("kprobe.multi")
	fentries    = testkit.Feature("fentry")
	counters    = testkit.Feature("pmu")
	breakpoints = testkit.Feature("watchpoint")
	modules     = testkit.Feature("sctp")
)

// script is skep's arguments for a script beside a command.
func script(command, text string) []string { return []string{"-q", "-c", command, "-e", text} }

func need(reqs ...testkit.Requirement) []testkit.Requirement { return reqs }

// kindCases are the rows, in their order.
func kindCases() []kindCase {
	const getppids = "$BIN/target getppid 7"
	const calls = "$BIN/target call 4"
	file := scratch("file")
	reads := "$BIN/target read 2 " + file
	return []kindCase{
		{row: "begin", kind: probe.Begin, want: `^first\n`,
			args: []string{"-q", "-e", `begin { printf("first\n"); exit(); }`}},
		{row: "end", kind: probe.End, want: `^\n?last\n`,
			args: []string{"-q", "-e", `end { printf("last\n"); } interval:ms:10 { exit(); }`}},
		{row: "self:signal", kind: probe.Self, want: `got it`, during: signalled(syscall.SIGUSR1),
			args: []string{"-e", `self:signal:SIGUSR1 { printf("got it\n"); exit(); }`}},
		{row: "test", kind: probe.Test, want: `\[       OK \].* good `,
			args: []string{"bpftrace", "--test", "-e", `test:good { }`}},
		{row: "bench", kind: probe.Bench, want: `(?m)^count +[0-9]+ +[1-9]`,
			args: []string{"bpftrace", "--bench", "-e", `bench:count { @ = count(); }`}},
		{row: "interval", kind: probe.Interval, want: `^\n*@: 3\n`,
			args: []string{"-q", "-e", `interval:ms:10 { @++; if (@ == 3) { exit(); } }`}},
		{row: "profile", kind: probe.Profile, want: `@\[0\]: [1-9]`,
			args: []string{"-q", "-e", `profile:hz:99 { @[cpu] = count(); } interval:ms:500 { exit(); }`}},
		{row: "software", kind: probe.Software, want: `@: 2\d\d\d\n`,
			args: script("$BIN/target fault 2000", `software:page-faults:1 /pid == cpid/ { @ = count(); }`)},
		{row: "hardware", kind: probe.Hardware, want: `@: [1-9]`, needs: need(counters),
			args: []string{"-q", "-e", `hardware:cycles:1000000 { @ = count(); } interval:ms:500 { exit(); }`}},
		{row: "watchpoint", kind: probe.Watchpoint, want: `@: 3\n`, needs: need(breakpoints), varies: true,
			args: script("$BIN/target touch 3", `watchpoint:0x10000000:8:w { @ = count(); }`)},
		{row: "tracepoint", kind: probe.Tracepoint, want: `@: 7\n`,
			args: script(getppids, `tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @ = count(); }`)},
		{row: "tracepoint, wildcard", want: `(?s)enter_getppid\]: 7\n.*exit_getppid\]: 7\n|exit_getppid\]: 7\n.*enter_getppid\]: 7\n`,
			args: script(getppids, `tracepoint:syscalls:sys_e*_getppid /pid == cpid/ { @[probe] = count(); }`)},
		{row: "rawtracepoint", kind: probe.RawTracepoint, want: `@: 7\n`,
			args: script(getppids, `rawtracepoint:sys_enter /pid == cpid && args.id == 110/ { @ = count(); }`)},
		{row: "rawtracepoint, module", want: `@: [1-9]`, needs: need(modules), during: transferSCTP,
			args: []string{"-e", `rawtracepoint:sctp:sctp_probe { @ = count(); }`}},
		{row: "kprobe", kind: probe.Kprobe, want: `@: 24\n`, needs: need(kprobes),
			args: script(reads, `kprobe:vfs_read /pid == cpid && arg2 == 12345/ { @ = count(); }`)},
		{row: "kprobe, function+offset", want: `@: 7\n`, needs: need(kprobes),
			args: script(getppids, `kprobe:__x64_sys_getppid+0 /pid == cpid/ { @ = count(); }`)},
		{row: "kprobe, module", want: `@: [1-9]`, needs: need(kprobes), during: sendToPeer,
			args: []string{"-e", `kprobe:veth:veth_xmit { @ = count(); }`}},
		{row: "kprobe, wildcard", want: `@\[vfs_read\]: 24\n`, needs: need(kprobes),
			args: script(reads, `kprobe:vfs_rea* /pid == cpid && arg2 == 12345/ { @[func] = count(); }`)},
		{row: "kprobe, wildcard by one link", want: `^\n*@: 1\n`, needs: need(kprobes, kprobeMulti),
			before: countLinks(`kprobe:vfs_rea* { @ = count(); }`), args: linkCounter},
		{row: "kprobe and kretprobe by one link", want: `^\n*@: 1\n`, needs: need(kprobes, kprobeMulti, testkit.Kernel("6.10")),
			before: countLinks(`kprobe:vfs_rea* { @ = count(); } kretprobe:vfs_rea* { @r = count(); }`), args: linkCounter},
		{row: "kretprobe", kind: probe.Kretprobe, want: `@: 7\n`, needs: need(kprobes),
			args: script(getppids, `kretprobe:__x64_sys_getppid /pid == cpid && retval > 0/ { @ = count(); }`)},
		{row: "fentry", kind: probe.Fentry, want: `@: 24\n`, needs: need(fentries),
			args: script(reads, `fentry:vfs_read /pid == cpid && args.count == 12345/ { @ = count(); }`)},
		{row: "fentry, module", want: `@: [1-9]`, needs: need(fentries, testkit.Kernel("5.11")), during: sendToPeer,
			args: []string{"-e", `fentry:veth:veth_xmit { @ = count(); }`}},
		{row: "fexit", kind: probe.Fexit, want: `@: 262144\n`, needs: need(fentries),
			args: script(reads, `fexit:vfs_read /pid == cpid && args.count == 12345/ { @ = sum(retval); }`)},
		{row: "fentry, BPF program", want: `@: [1-9]`, needs: need(fentries), before: otherProgram,
			args: []string{"-e", `fentry:bpf:interval_ms_17_* { @ = count(); exit(); }`}},
		{row: "uprobe", kind: probe.Uprobe, want: `@: 10\n`,
			args: script(calls, `uprobe:$BIN/target:main.Called { @ = sum(reg("ax")); }`)},
		{row: "uprobe, wildcard", want: `@\[main.Called\]: 4\n`,
			args: script(calls, `uprobe:$BIN/target:main.Calle* { @[func] = count(); }`)},
		{row: "uprobe, many by one link", want: `^\n*@: 1\n`, needs: need(testkit.Kernel("6.6")),
			before: countLinks(`uprobe:$BIN/target:main.* { @ = count(); }`), args: linkCounter},
		{row: "uprobe, library", want: `@: [1-9]`,
			args: script("cat /dev/null", `uprobe:libc:malloc /pid == cpid/ { @ = count(); }`)},
		{row: "uprobe, C++ name", want: `@\[skep::work\(int\)\]: 1\n`,
			args: script("$BIN/usdt", `uprobe:$BIN/usdt:cpp:"skep::work" { @[func] = count(); }`)},
		{row: "uretprobe", kind: probe.Uretprobe, want: `@: [1-9]`,
			args: script("cat /dev/null", `uretprobe:libc:malloc /pid == cpid && retval != 0/ { @ = count(); }`)},
		{row: "uretprobe, Go", want: `@: 20\n`,
			args: script(calls, `uretprobe:$BIN/target:main.Called { @ = sum(retval); }`)},
		{row: "usdt", kind: probe.USDT, want: `@: 1\n`,
			args: script("$BIN/usdt", `usdt:$BIN/usdt:skep:wide { @ = count(); }`)},
		{row: "iter:task", kind: probe.Iter, want: `@\[kthreadd\]: 1\n`,
			args: []string{"-q", "-e", `iter:task { @[ctx.task.comm] = count(); }`}},
		{row: "iter:task_file", want: `@: [1-9]`,
			args: []string{"-q", "-e", `iter:task_file /ctx.task.comm == "skep"/ { @ = count(); }`}},
		{row: "iter:task_vma", want: `@: [1-9]`, needs: need(testkit.Kernel("5.12")),
			args: []string{"-q", "-e", `iter:task_vma { @ = count(); }`}},
		{row: "iter:bpf_prog, iter:bpf_map", want: `(?s)@maps: [1-9].*@progs: [1-9]`,
			args: []string{"-q", "-e", `iter:bpf_prog { @progs = count(); } iter:bpf_map { @maps = count(); }`}},
		{row: "`skep biolatency`", want: `\|\*+`, during: writeDisk, args: []string{"biolatency"}},
		{row: "`skep tcplife`", want: `(?m) 127\.0\.0\.1 +[0-9]+ +127\.0\.0\.1 +[0-9]+ +10 +`, during: transfer, args: []string{"tcplife"}},
		{row: "`skep readahead`", want: `\|\*+`, needs: need(fentries), during: readDisk, args: []string{"readahead"}},
	}
}

// scratch is a file on a real block device.
func scratch(name string) string {
	if vm.InGuest() {
		return "/scratch/" + name
	}
	return filepath.Join(binDir, name)
}

// attached is what skep says when everything is attached.
var attached = regexp.MustCompile(`Attached|Tracing|TIME|PID`)

// run runs the case's skep and returns what it printed, both streams.
func (c *kindCase) run(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c.before != nil {
		c.before(t)
	}
	args := make([]string, len(c.args))
	for i, a := range c.args {
		args[i] = strings.ReplaceAll(a, "$BIN", binDir)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(binDir, "skep"), args...)
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if c.during != nil {
		waitFor(ctx, func() bool { return attached.MatchString(out.String()) })
		c.during(t, cmd.Process)
		// One that ended by itself isn't there any more.
		_ = cmd.Process.Signal(os.Interrupt)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("skep %q: %v\n%s", args, err, out.String())
	}
	return out.String()
}

// signalled sends skep a signal and waits for nothing.
func signalled(sig os.Signal) func(*testing.T, *os.Process) {
	return func(t *testing.T, p *os.Process) {
		if err := p.Signal(sig); err != nil {
			t.Error(err)
		}
		state := fmt.Sprintf("/proc/%d/stat", p.Pid)
		waitFor(t.Context(), func() bool {
			stat, err := os.ReadFile(state)
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
	}
}

// sendToPeer sends a datagram through the guest's pair of Ethernet devices.
func sendToPeer(t *testing.T, _ *os.Process) {
	conn, err := net.Dial("udp", "192.0.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Error(err)
	}
}

// linkCounter counts the links (BPF_LINK_CREATE) that skep takes for the script of countLinks.
var linkCounter = script("$BIN/skep --dry-run $BIN/links.bt",
	`tracepoint:syscalls:sys_enter_bpf /pid == cpid && args.cmd == 28/ { @ = count(); }`)

func countLinks(text string) func(*testing.T) {
	return func(t *testing.T) {
		text := strings.ReplaceAll(text, "$BIN", binDir)
		if err := os.WriteFile(filepath.Join(binDir, "links.bt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// otherProgram runs a program every 17 ms.
func otherProgram(t *testing.T) {
	cmd := exec.Command(filepath.Join(binDir, "skep"), "-e", `interval:ms:17 { @ = count(); }`)
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	waitFor(t.Context(), func() bool { return attached.MatchString(out.String()) })
}

// writeDisk has the kernel write to the block device.
func writeDisk(t *testing.T, _ *os.Process) {
	f, err := os.CreateTemp(filepath.Dir(scratch("x")), "written")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	for range 16 {
		if _, err := f.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

// readDisk reads a file that isn't in memory.
func readDisk(t *testing.T, _ *os.Process) {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(binDir, "target"), "read", "1", scratch("big")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// transferSCTP sends a message over SCTP on the loopback, which is acknowledged.
func transferSCTP(t *testing.T, _ *os.Process) {
	const protocol = 132 // IPPROTO_SCTP
	socket := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, protocol)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(fd) })
		return fd
	}
	server, client := socket(), socket()
	at := &syscall.SockaddrInet4{Port: 20132, Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.Bind(server, at), syscall.Listen(server, 1), syscall.Connect(client, at)); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Write(client, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	peer, _, err := syscall.Accept(server)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(peer)
	if _, err := syscall.Read(peer, make([]byte, 16)); err != nil {
		t.Error(err)
	}
	// The acknowledgement may take 200 ms.
	time.Sleep(400 * time.Millisecond)
}

// transfer sends 10 KiB through a connection on the loopback.
func transfer(t *testing.T, _ *os.Process) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_, _ = conn.Write(make([]byte, 10<<10))
			conn.Close()
		}
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, conn)
	if err != nil {
		t.Error(err)
	}
	conn.Close()
}
