//go:build linux

package tools

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// directReads and directWrites are the I/Os that a test issues.
const directReads, directWrites, directAll = 40, 24, 64

// disk is where a test does direct I/O, one request at a time.
type disk struct {
	f    *os.File
	name string // of the block device
	// alone: nobody else does I/O there, so that counts are exact.
	alone bool
}

// openDisk opens a guest's disk, without its file system; on other machines a file.
func openDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{name: "vda", alone: vm.InGuest()}
	path := "/dev/vda"
	if d.alone {
		unmountScratch(t)
	} else {
		path = filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, make([]byte, directAll*page), 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.Need(t, testkit.Requirement{Name: "a temporary directory on a disk", Missing: func() (why string) {
			d.name, why = diskOf(path)
			return why
		}})
		syscall.Sync()
	}
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	d.f = f
	return d
}

func unmountScratch(t *testing.T) {
	t.Helper()
	if err := syscall.Unmount("/scratch", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Mount("/dev/vda", "/scratch", "ext4", 0, ""); err != nil {
			t.Error(err)
		}
	})
}

// diskOf names the disk that holds a file, or tells why there is none.
func diskOf(path string) (name, why string) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return "", err.Error()
	}
	major, minor := st.Dev>>8&0xfff, st.Dev&0xff|st.Dev>>12&0xfff00
	dir, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", major, minor))
	if err != nil {
		return "", err.Error()
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		dir = filepath.Dir(dir)
	}
	return filepath.Base(dir), ""
}

// work does the reads, and then writes what it read.
func (d *disk) work(t *testing.T) {
	t.Helper()
	buf, err := syscall.Mmap(-1, 0, page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(buf)
	if uintptr(unsafe.Pointer(&buf[0]))%page != 0 {
		t.Fatal("direct I/O needs aligned memory")
	}
	for i := range int64(directReads) {
		if _, err := d.f.ReadAt(buf, i*page); err != nil {
			t.Fatal(err)
		}
		if i < directWrites {
			if _, err := d.f.WriteAt(buf, i*page); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// wantCount compares with what work issued. On a busy disk others' I/O counts too, and the
// kernel skips a program whose own interrupted run isn't over.
func (d *disk) wantCount(t *testing.T, what string, got, want int) {
	t.Helper()
	if d.alone && got != want || got < want*3/4 {
		t.Errorf("%s: %d I/Os, want %d", what, got, want)
	}
}

// log2Row is a row of bcc's histograms.
var log2Row = regexp.MustCompile(`(?m)^ *([0-9]+) -> ([0-9]+) +: ([0-9]+) +\|(\**) *\|$`)

// log2Counts are the counts of a histogram's rows.
func log2Counts(text string) (counts []int) {
	for _, m := range log2Row.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[3])
		counts = append(counts, n)
	}
	return counts
}

// sumLog2 adds up the counts of histograms.
func sumLog2(text string) (n int) {
	for _, c := range log2Counts(text) {
		n += c
	}
	return n
}

// asBCC is the table that bcc makes of these counts (src/python/bcc/table.py), as long as
// ten digits hold the numbers.
func asBCC(unit string, counts []int) string {
	var b strings.Builder
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	if most > 0 {
		fmt.Fprintf(&b, "     %-19s : count     distribution\n", unit)
	}
	for i, n := range counts {
		low := 1 << i
		if i == 0 {
			low = 0
		}
		fmt.Fprintf(&b, "%10d -> %-10d : %-8d |%-40s|\n", low, 1<<(i+1)-1, n, strings.Repeat("*", 40*n/most))
	}
	return b.String()
}

const biolatencyHead = "Tracing block device I/O... Hit Ctrl-C to end.\n"

// TestBiolatency: Ctrl-C prints what was gathered; as many I/Os as were issued, in bcc's form.
func TestBiolatency(t *testing.T) {
	live(t)
	d := openDisk(t)
	const clock = `[0-9]{2}:[0-9]{2}:[0-9]{2}\n`
	tests := []struct {
		args string
		unit string
		head string // of each output, a regular expression
		want int    // I/Os
	}{
		{"", "usecs", `\n`, directAll},
		{"-m", "msecs", `\n`, directAll},
		{"-T", "usecs", `\n` + clock, directAll},
		{"-Q", "usecs", `\n`, directAll},
		{"-Qm --timestamp", "msecs", `\n` + clock, directAll},
		{"-d " + d.name, "usecs", `\n`, directAll},
		{"-d /dev/" + d.name, "usecs", `\n`, directAll},
		{"-d null", "usecs", `\n`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			s := start(t, append([]string{"biolatency"}, strings.Fields(tt.args)...)...)
			d.work(t)
			out := s.interrupt()
			head := regexp.MustCompile("^" + regexp.QuoteMeta(biolatencyHead) + tt.head).FindString(out)
			counts := log2Counts(out)
			testkit.Equal(t, "output", head+asBCC(tt.unit, counts), out)
			if got := sumLog2(out); tt.want == 0 && got != 0 {
				t.Errorf("%d I/Os on no disk", got)
			} else {
				d.wantCount(t, tt.args, got, tt.want)
			}
		})
	}
}

// TestBiolatencySections: a table a disk, or a set of flags, and the average of all.
func TestBiolatencySections(t *testing.T) {
	live(t)
	d := openDisk(t)
	tests := []struct {
		args string
		want map[string]int // I/Os by the regular expression of a section's head
	}{
		{"-D", map[string]int{`disk = ` + d.name: directAll}},
		{"-F", map[string]int{`flags = .*Read`: directReads, `flags = .*Write`: directWrites}},
		{"-De", map[string]int{`disk = ` + d.name: directAll}},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			s := start(t, "biolatency", tt.args)
			d.work(t)
			out := s.interrupt()
			body, tail, _ := strings.Cut(out, "\navg = ")
			sections := strings.Split(strings.TrimPrefix(body, biolatencyHead+"\n"), "\n\n")
			sum := 0
			got := map[string]int{}
			for i, section := range sections {
				section = strings.TrimPrefix(section, "\n")
				head, _, _ := strings.Cut(section, "\n")
				table := strings.TrimSuffix(asBCC("usecs", log2Counts(section)), "\n")
				if i == len(sections)-1 {
					table += "\n"
				}
				testkit.Equal(t, "section", head+"\n"+table, section)
				for want := range tt.want {
					if regexp.MustCompile("^" + want + "$").MatchString(head) {
						got[want] += sumLog2(section)
					}
				}
				sum += sumLog2(section)
			}
			for want, n := range tt.want {
				d.wantCount(t, want, got[want], n)
			}
			if strings.Contains(tt.args, "e") {
				checkAverage(t, tail, sum)
			}
		})
	}
}

// checkAverage checks what follows "avg = ".
func checkAverage(t *testing.T, tail string, count int) {
	t.Helper()
	m := regexp.MustCompile(`^([0-9]+) usecs, total: ([0-9]+) usecs, count: ([0-9]+)\n\n$`).FindStringSubmatch(tail)
	if m == nil {
		t.Fatalf("average isn't as bcc prints it: %q", tail)
	}
	var n [4]int
	for i := range n[1:] {
		n[i+1], _ = strconv.Atoi(m[i+1])
	}
	if n[3] != count || n[2]/n[3] != n[1] {
		t.Errorf("avg = %d, total: %d, count: %d, and the table has %d", n[1], n[2], n[3], count)
	}
}

// TestBiolatencyJSON: an object a disk, by bcc's names.
func TestBiolatencyJSON(t *testing.T) {
	live(t)
	d := openDisk(t)
	s := start(t, "biolatency", "-jD")
	d.work(t)
	out := s.interrupt()
	total := 0
	for line := range strings.Lines(strings.TrimPrefix(out, "\n")) {
		var object struct {
			TS      string `json:"ts"`
			ValType string `json:"val_type"`
			Disk    string
			Data    []struct {
				Start uint64 `json:"interval-start"`
				End   uint64 `json:"interval-end"`
				Count int
			}
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if _, err := time.Parse(time.DateTime, object.TS); err != nil || object.ValType != "usecs" {
			t.Errorf("ts and val_type of %s: %v", line, err)
		}
		for i, row := range object.Data {
			if bits.Len64(row.End) != i+1 || i > 0 && row.Start != 1<<i || i == 0 && row.Start != 0 {
				t.Errorf("row %d: %+v", i, row)
			}
			if object.Disk == d.name {
				total += row.Count
			}
		}
	}
	d.wantCount(t, d.name, total, directAll)
}

// TestBiolatencyIntervals: an output each interval, as many as asked for; empty ones too.
func TestBiolatencyIntervals(t *testing.T) {
	live(t)
	d := openDisk(t)
	tests := []struct {
		args    string
		least   time.Duration
		outputs int
		form    string // of an output
		work    bool
	}{
		{"-mT 1 5", 5 * time.Second, 5, `\n[0-9]{2}:[0-9]{2}:[0-9]{2}\n(?: +msecs .*\n(?:.* -> .*\n)+)?`, true},
		{"-d null 2 1", 2 * time.Second, 1, `\n`, false},
		{"-d null -T 1 2", 2 * time.Second, 2, `\n[0-9]{2}:[0-9]{2}:[0-9]{2}\n`, false},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			began := time.Now()
			s := start(t, append([]string{"biolatency"}, strings.Fields(tt.args)...)...)
			if tt.work {
				d.work(t)
			}
			out := s.end()
			if took := time.Since(began); took < tt.least {
				t.Errorf("ended after %v", took)
			}
			form := fmt.Sprintf("^%s(?:%s){%d}$", regexp.QuoteMeta(biolatencyHead), tt.form, tt.outputs)
			if !regexp.MustCompile(form).MatchString(out) {
				t.Errorf("not %d outputs of the form wanted:\n%s", tt.outputs, out)
			}
			if n := sumLog2(out); tt.work && (n == 0 || d.alone && n > directAll) {
				t.Errorf("%d I/Os of %d:\n%s", n, directAll, out)
			}
		})
	}
}
