package sys

import (
	"encoding/binary"
	"testing"
	"time"
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

func TestParseMmap(t *testing.T) {
	var rec []byte
	for _, v := range []uint32{recordMmap, 0, 7, 8} {
		rec = binary.NativeEndian.AppendUint32(rec, v)
	}
	for _, v := range []uint64{0x1000, 0x2000, 0x3000, 0xfe | 1<<32, 42, 0, 5} {
		rec = binary.NativeEndian.AppendUint64(rec, v)
	}
	rec = append(rec, "/bin/cat\x00\x00\x00\x00"...)
	want := MmapEvent{7, 0x1000, 0x2000, 0x3000, 0xfe, 1, 42, "/bin/cat"}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		want.Major, want.Minor = 1, 0xfe
	}
	if got, ok := parseMmap(rec); !ok || got != want {
		t.Errorf("parseMmap = %+v, %v", got, ok)
	}
	if _, ok := parseMmap(rec[:40]); ok {
		t.Error("a cut record was read")
	}
}
