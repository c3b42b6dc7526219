package pcap

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// files are what is written, in the machine's byte order where numbers are concerned.
func u16(n uint16) []byte { return order.AppendUint16(nil, n) }
func u32(n ...uint32) (b []byte) {
	for _, v := range n {
		b = order.AppendUint32(b, v)
	}
	return b
}

func write(t *testing.T, name string, packets func(w *Writer)) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := Create(path, "skep", "a.bt")
	if err != nil {
		t.Fatal(err)
	}
	packets(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPcap(t *testing.T) {
	got := write(t, "a.pcap", func(w *Writer) {
		if i := w.Interface("eth0"); i != 0 {
			t.Errorf("interface %d", i)
		}
		w.Packet(0, 1_000_000_007_123_456_789, []byte("abc"), 9)
		w.Packet(0, 999, nil, 0)
	})
	want := bytes.Join([][]byte{
		u32(0xa1b2c3d4), u16(2), u16(4), u32(0, 0, 65535, 101),
		u32(1_000_000_007, 123_456, 3, 9), []byte("abc"),
		u32(0, 0, 0, 0),
	}, nil)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestPcapNG(t *testing.T) {
	const at = 1_700_000_000_123_456_789
	got := write(t, "a.pcapng", func(w *Writer) {
		first, second := w.Interface("eth0"), w.Interface("")
		w.Packet(second, at, []byte("abcde"), 5)
		w.Packet(first, at, []byte("abcd"), 0)
	})
	ns := []byte{9, 0, 0, 0}
	want := bytes.Join([][]byte{
		u32(0x0a0d0d0a, 28+8+8+4, 0x1a2b3c4d), u16(1), u16(0), u32(1<<32-1, 1<<32-1),
		u16(4), u16(4), []byte("skep"), u16(1), u16(4), []byte("a.bt"), u32(0, 48),
		u32(1, 40), u16(101), u16(0), u32(65535), u16(2), u16(4), []byte("eth0"), u16(9), u16(1), ns, u32(0, 40),
		u32(1, 32), u16(101), u16(0), u32(65535), u16(9), u16(1), ns, u32(0, 32),
		u32(6, 40, 1, at>>32, at&(1<<32-1), 5, 5), []byte("abcde\x00\x00\x00"), u32(40),
		u32(6, 36, 0, at>>32, at&(1<<32-1), 4, 4), []byte("abcd"), u32(36),
	}, nil)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

// TestFull wants a file that ends with a whole packet, and to be told of those missing.
func TestFull(t *testing.T) {
	const header, record = 24, 16 + 100
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	path := filepath.Join(t.TempDir(), "a.pcap")
	w, err := Create(path, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.Packet(0, 0, make([]byte, 100), 100)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.Packet(0, 0, make([]byte, 100), 100)
	}
	limit := was
	limit.Cur = header + 5*record - 10 // four and a part of the fifth
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	err = w.Flush()
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); back != nil {
		t.Fatal(back)
	}
	if err == nil || !strings.Contains(err.Error(), "write packets: ") {
		t.Errorf("Flush: %v", err)
	}
	if err := w.Packet(0, 0, nil, 0); err != nil {
		t.Errorf("told twice: %v", err)
	}
	if err := w.Flush(); err != nil {
		t.Errorf("told twice: %v", err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "(packets missing: 4)") {
		t.Errorf("Close: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(header + 4*record); info.Size() != want {
		t.Errorf("the file has %d bytes, want %d", info.Size(), want)
	}
}

func TestCreateError(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "no", "a.pcap"), "", ""); err == nil || !strings.HasPrefix(err.Error(), "create packet file: open ") {
		t.Errorf("got %v", err)
	}
}
