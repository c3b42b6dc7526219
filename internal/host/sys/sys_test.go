package sys

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestObjName(t *testing.T) {
	for in, want := range map[string]string{
		"count":                   "count",
		"@a-b c":                  "_a_b_c",
		"a_very_long_name_indeed": "a_very_long_nam",
	} {
		n := ObjName(in)
		if got := string(n[:len(want)]); got != want || n[len(want)] != 0 {
			t.Errorf("ObjName(%q) = %q, want %q", in, n, want)
		}
	}
}

func TestWaiter(t *testing.T) {
	w, err := NewWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if woken, err := w.Wait(time.Now()); woken || err != nil {
		t.Errorf("before Wake: %v, %v", woken, err)
	}
	w.Wake()
	if woken, err := w.Wait(time.Time{}); !woken || err != nil {
		t.Errorf("after Wake: %v, %v", woken, err)
	}
	if woken, err := w.Wait(time.Now()); woken || err != nil {
		t.Errorf("a Wake ends one wait: %v, %v", woken, err)
	}
}

// Signals that Go sends its threads, to preempt them, end no wait.
func TestWaiterSignals(t *testing.T) {
	w, err := NewWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	tid, ended := make(chan int), make(chan bool)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		woken, err := w.Wait(time.Time{})
		ended <- woken && err == nil
	}()
	for waiter, n := <-tid, 0; n < 100; n++ {
		if err := unix.Tgkill(unix.Getpid(), waiter, unix.SIGURG); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Microsecond) // a hundred signals, not one that stands for all
	}
	w.Wake()
	if !<-ended {
		t.Error("a signal ended the wait")
	}
}

func TestParseTask(t *testing.T) {
	record := func(kind uint32, words ...uint32) []byte {
		var rec []byte
		for _, v := range append([]uint32{kind, 0}, words...) {
			rec = binary.NativeEndian.AppendUint32(rec, v)
		}
		return rec
	}
	long := func(rec []byte, words ...uint64) []byte {
		for _, v := range words {
			rec = binary.NativeEndian.AppendUint64(rec, v)
		}
		return rec
	}
	mmap := long(record(recordMmap2, 7, 8), 0x1000, 0x2000, 0x3000)
	for _, v := range []uint32{0xfe, 1} {
		mmap = binary.NativeEndian.AppendUint32(mmap, v)
	}
	mmap = append(long(mmap, 42, 0, 5), "/bin/cat\x00\x00\x00\x00"...)
	tests := []struct {
		name string
		rec  []byte
		want TaskEvent
		ok   bool
	}{
		{"mmap", mmap, TaskEvent{Kind: TaskMmap, Pid: 7, Start: 0x1000, Len: 0x2000, Off: 0x3000, Major: 0xfe, Minor: 1, Ino: 42, Path: "/bin/cat"}, true},
		{"cut", mmap[:40], TaskEvent{}, false},
		{"process begins", long(record(recordFork, 9, 7, 9, 7), 1), TaskEvent{Kind: TaskFork, Pid: 9, Parent: 7}, true},
		{"process ends", long(record(recordExit, 9, 7, 9, 7), 1), TaskEvent{Kind: TaskExit, Pid: 9, Parent: 7}, true},
		{"lost", long(record(recordLost), 1, 30), TaskEvent{Kind: TaskLost, Lost: 30}, true},
	}
	for _, tt := range tests {
		if got, ok := parseTask(tt.rec); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
	if _, ok := parseTask(long(record(recordFork, 7, 7, 8, 7), 1)); ok {
		t.Error("the beginning of a thread was read")
	}
}

func TestParseProg(t *testing.T) {
	ne := binary.NativeEndian
	rec := ne.AppendUint32(nil, recordBPF)
	rec = ne.AppendUint16(ne.AppendUint16(rec, 0), 40)
	rec = ne.AppendUint32(ne.AppendUint16(ne.AppendUint16(rec, bpfEventUnload), 0), 77)
	rec = append(rec, 1, 2, 3, 4, 5, 6, 7, 8)
	rec = ne.AppendUint64(ne.AppendUint32(ne.AppendUint32(rec, 501), 502), 1234567)
	want := ProgEvent{Unload: true, ID: 77, Tag: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Pid: 501, Time: 1234567}
	if got, ok := parseProg(rec); !ok || got != want {
		t.Errorf("%+v %v", got, ok)
	}
	if _, ok := parseProg(rec[:30]); ok {
		t.Error("a short record is taken")
	}
	lost := ne.AppendUint64(ne.AppendUint64(ne.AppendUint64(nil, recordLost), 5), 9)
	if got, ok := parseProg(lost); !ok || got != (ProgEvent{Lost: 9}) {
		t.Errorf("%+v %v", got, ok)
	}
}

func TestParseCalls(t *testing.T) {
	ne := binary.NativeEndian
	rec := ne.AppendUint64(ne.AppendUint64(nil, recordSample), 4)
	const kernel = ^uint64(127) // PERF_CONTEXT_KERNEL
	for _, addr := range []uint64{kernel, 0xffffffff81000010, 0xffffffffc0000020, 0x401000} {
		rec = ne.AppendUint64(rec, addr)
	}
	// Markers and addresses of user space are no frames.
	if got, want := parseCalls(rec, nil), []uint64{0xffffffff81000010, 0xffffffffc0000020}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if got := parseCalls(rec[:24], nil); len(got) != 0 {
		t.Errorf("a short record: %x", got)
	}
	if got := parseCalls(ne.AppendUint64(ne.AppendUint64(nil, recordLost), 4), nil); len(got) != 0 {
		t.Errorf("another record: %x", got)
	}
}
