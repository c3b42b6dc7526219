package kernel

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

const fnPerfEventOutput = 25

// sendPacket is a program that writes the number v and the zeros behind it, size bytes in all,
// to the perf buffer of its CPU (map 2), and then the number to the ring buffer.
func sendPacket(v, size int32) *object.Program {
	p := sendNumber(v)
	insns := []isa.Insn{isa.Mov(isa.R6, isa.R1)}
	for at := -size; at < 0; at += 8 {
		insns = append(insns, isa.StoreImm(isa.SizeDW, isa.R10, int16(at), 0))
	}
	insns = append(insns,
		isa.StoreImm(isa.SizeDW, isa.R10, int16(-size), v),
		isa.Mov(isa.R1, isa.R6),
		isa.LoadImm64(isa.R2, 0),
		isa.LoadImm64(isa.R3, 0xffffffff),
		isa.Mov(isa.R4, isa.R10),
		isa.ALUImm(isa.AluADD, isa.R4, -size),
		isa.MovImm(isa.R5, size),
		isa.Call(fnPerfEventOutput),
	)
	p.Relocs = append([]object.Reloc{{Insn: len(insns) - 6, Kind: object.RelocMap, Index: 2}}, p.Relocs...)
	p.Relocs[1].Insn += len(insns)
	p.Insns = append(insns, p.Insns...)
	return p
}

func loadPackets(t *testing.T, progs ...*object.Program) engine.Session {
	needRoot(t)
	o := newObject(progs...)
	o.Config.PerfRBPages = 1
	o.Maps = append(o.Maps, &object.Map{Name: "packets", Kind: object.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1024})
	return load(t, o)
}

// nextNumber is the number that the next record begins with, and the record's length.
func nextNumber(t *testing.T, s engine.Session) (v uint64, size int) {
	t.Helper()
	rec, err := s.Next(time.Now().Add(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(rec), len(rec)
}

// TestPacketsWrap goes around the buffer of one page many times.
func TestPacketsWrap(t *testing.T) {
	const size = 104
	progs := []*object.Program{sendPacket(1, size), sendPacket(2, size)}
	s := loadPackets(t, progs...)
	for i := range 500 {
		want := uint64(i%2 + 1)
		if err := s.Run(i % 2); err != nil {
			t.Fatal(err)
		}
		// The kernel puts 4 bytes of length before, and fills up to a whole word.
		if v, n := nextNumber(t, s); v != want || n != size+4 {
			t.Fatalf("packet %d: number %d of %d bytes, want %d of %d", i, v, n, want, size+4)
		}
		if v, n := nextNumber(t, s); v != want || n != 8 {
			t.Fatalf("record %d: number %d of %d bytes, want %d of 8", i, v, n, want)
		}
	}
}

// TestPacketsFirst wants what was sent to the buffers before a record to come before it.
func TestPacketsFirst(t *testing.T) {
	s := loadPackets(t, sendPacket(1, 48), sendPacket(2, 56))
	for i := range 2 {
		if err := s.Run(i); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for range 4 {
		_, n := nextNumber(t, s)
		got = append(got, n)
	}
	if got[0] != 52 || got[2] != 8 && got[3] != 8 {
		t.Errorf("records of %v bytes, want packets of 52 and 60 before the records that followed them", got)
	}
	if _, err := s.Next(time.Unix(1, 0)); !errors.Is(err, engine.ErrTimeout) {
		t.Errorf("after the last: %v", err)
	}
}

// TestPacketsWake waits for a packet that comes alone.
func TestPacketsWake(t *testing.T) {
	p := sendPacket(7, 48)
	p.Insns = append(p.Insns[:len(p.Insns)-9:len(p.Insns)-9], isa.MovImm(isa.R0, 0), isa.Exit())
	p.Relocs = p.Relocs[:1]
	s := loadPackets(t, p)
	failed := make(chan error, 1)
	go func() {
		time.Sleep(20 * time.Millisecond) // so that Next waits, most likely
		failed <- s.Run(0)
	}()
	if v, _ := nextNumber(t, s); v != 7 {
		t.Errorf("number %d, want 7", v)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

// TestPacketsFull fills a buffer of one page; what the reader gives back has room again.
func TestPacketsFull(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := loadPackets(t, sendPacket(3, 400)) // 9 of 416 bytes fit into a page
	const runs = 40
	for range runs {
		if err := s.Run(0); err != nil {
			t.Fatal(err)
		}
	}
	packets := 0
	for range 2 * runs {
		rec, err := s.Next(time.Unix(1, 0))
		if errors.Is(err, engine.ErrTimeout) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(rec) > 8 {
			packets++
		}
	}
	// The test may move to another CPU meanwhile.
	cpus, err := s.(*session).kernel.OnlineCPUs()
	if err != nil {
		t.Fatal(err)
	}
	if packets < 9 || packets > 9*len(cpus) {
		t.Errorf("%d packets, want 9 a CPU", packets)
	}
	if err := s.Run(0); err != nil {
		t.Fatal(err)
	}
	if _, n := nextNumber(t, s); n != 404 {
		t.Errorf("record of %d bytes, want a packet of 404", n)
	}
}

func TestPerfSize(t *testing.T) {
	if os.Getpagesize() != 4096 {
		t.Skipf("pages are of %d bytes", os.Getpagesize())
	}
	for _, c := range []struct {
		pages     uint64
		opt, cpus int
		want      int
	}{
		{pages: 1, cpus: 8, want: 4096},
		{pages: 64, cpus: 2, want: 32 * 4096},
		{pages: 64, cpus: 3, want: 32 * 4096},
		{opt: 1 << 20, cpus: 4, want: 1 << 18},
		{cpus: 2, want: 8 << 20},
		{cpus: 1000, want: 128 << 10},
	} {
		o := newObject(countPids(progRawTracepoint, false))
		o.Config.PerfRBPages = c.pages
		if got := perfSize(c.opt, o, 1<<30, c.cpus); got != c.want {
			t.Errorf("%d pages, option %d, %d CPUs: %d, want %d", c.pages, c.opt, c.cpus, got, c.want)
		}
	}
}
