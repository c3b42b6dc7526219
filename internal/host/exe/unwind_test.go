package exe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// libc is a file with thousands of functions, a PLT and a signal's return.
const libc = "/lib/x86_64-linux-gnu/libc.so.6"

// TestUnwindRows compares all rows of a C library with what readelf reads there.
func TestUnwindRows(t *testing.T) {
	testkit.Need(t, testkit.Program("readelf"))
	if _, err := os.Stat(libc); err != nil {
		t.Skip(err)
	}
	files := NewFiles(os.DirFS("/"))
	defer files.Close()
	f, err := files.Open(libc)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.UnwindRows()
	if err != nil {
		t.Fatal(err)
	}
	// Its status is 1 when it only misses the file's debug information.
	text, err := exec.Command("readelf", "-wF", libc).Output()
	if len(text) == 0 {
		t.Fatal(err)
	}
	compared, kinds := 0, map[UnwindCFA]int{}
	var columns []string
	signal := map[string]bool{} // entries that many share, of signals
	inSignal := false
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		w := strings.Fields(sc.Text())
		switch {
		case len(w) > 4 && w[3] == "CIE":
			signal[w[0]] = strings.Contains(sc.Text(), `"zRS"`)
			columns = nil
			continue
		case len(w) > 4 && w[3] == "FDE":
			inSignal = signal[strings.TrimPrefix(w[4], "cie=")]
			columns = nil
			continue
		case len(w) > 1 && w[0] == "LOC":
			columns = w
			continue
		case len(w) == 0 || columns == nil || len(w) != len(columns):
			continue
		}
		addr, err := strconv.ParseUint(w[0], 16, 64)
		if err != nil || addr == 0 { // what a CIE begins with
			continue
		}
		got := at(rows, addr)
		want := fromReadelf(columns, w)
		if inSignal {
			want = UnwindRule{CFA: UnwindSignal}
		} else if w[1] == "exp" {
			want.CFA, want.Offset = UnwindPLT, got.Offset
			if got.CFA == UnwindNone {
				want = UnwindRule{}
			}
		}
		if got != want && !(want.CFA == UnwindNone && got.CFA == UnwindNone) {
			t.Errorf("at %#x: %+v, want %+v (%s)", addr, got, want, sc.Text())
		}
		compared++
		kinds[got.CFA]++
	}
	if compared < 10000 || kinds[UnwindSP] == 0 || kinds[UnwindBP] == 0 || kinds[UnwindPLT] == 0 || kinds[UnwindSignal] == 0 || kinds[UnwindNone] == 0 {
		t.Errorf("%d rows compared: %v", compared, kinds)
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].Addr <= rows[i-1].Addr || rows[i].UnwindRule == rows[i-1].UnwindRule {
			t.Fatalf("rows %+v and %+v", rows[i-1], rows[i])
		}
	}
}

func at(rows []UnwindRow, addr uint64) UnwindRule {
	i, found := slices.BinarySearchFunc(rows, addr, func(r UnwindRow, a uint64) int {
		return int(int64(r.Addr) - int64(a))
	})
	if !found {
		i--
	}
	if i < 0 {
		return UnwindRule{}
	}
	return rows[i].UnwindRule
}

// fromReadelf is a rule as a row of readelf's tells it.
func fromReadelf(columns, w []string) (r UnwindRule) {
	for i, name := range columns {
		switch {
		case name == "ra" && w[i] != "c-8":
			return UnwindRule{}
		case name == "rbp" && strings.HasPrefix(w[i], "c"):
			n, _ := strconv.ParseInt(w[i][1:], 10, 16)
			r.Saved, r.SavedAt = true, int16(n)
		case name == "CFA":
			reg, off, _ := strings.Cut(w[i], "+")
			n, _ := strconv.ParseInt(off, 10, 32)
			r.CFA, r.Offset = map[string]UnwindCFA{"rsp": UnwindSP, "rbp": UnwindBP}[reg], int32(n)
		}
	}
	if r.CFA == UnwindNone && w[1] != "exp" {
		return UnwindRule{}
	}
	return r
}

// TestUnwindBroken wants broken sections to give an error or rows, and not to hang.
func TestUnwindBroken(t *testing.T) {
	cie := "\x14\x00\x00\x00\x00\x00\x00\x00\x01zR\x00\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01\x00\x00"
	fde := "\x14\x00\x00\x00\x1c\x00\x00\x00\x00\x01\x00\x00\x20\x00\x00\x00\x00\x41\x0e\x10\x86\x02\x43\x00"
	whole := cie + fde
	for n := range len(whole) {
		for _, b := range []string{whole[:n], whole[:n] + "\xff" + whole[n+1:], whole[:n] + "\x80" + whole[n+1:]} {
			p := &ehParser{data: []byte(b), order: binary.LittleEndian, cies: map[int]*ehCIE{}}
			_ = p.entries()
		}
	}
	p := &ehParser{data: []byte(whole), base: 0x1000, order: binary.LittleEndian, cies: map[int]*ehCIE{}}
	if err := p.entries(); err != nil {
		t.Fatal(err)
	}
	const begin = 0x1000 + 0x20 + 0x100
	want := fmt.Sprint([]UnwindRow{
		{begin, UnwindRule{CFA: UnwindSP, Offset: 8}},
		{begin + 1, UnwindRule{CFA: UnwindSP, Offset: 16, Saved: true, SavedAt: -16}},
		{begin + 4, UnwindRule{CFA: UnwindSP, Offset: 16, Saved: true, SavedAt: -16}},
		{Addr: begin + 0x20},
	})
	if got := fmt.Sprint(p.rows); got != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
