//go:build linux

package tools

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
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

const page = 4096

// coldFile is a file of the guest's disk that isn't in the page cache.
func coldFile(t *testing.T, name string, size int) *os.File {
	t.Helper()
	path := "/scratch/" + name
	if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	syscall.Sync()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	drop(t, f)
	return f
}

// drop takes a file out of the page cache. posix_fadvise(2) also gets at the pages that a
// CPU still holds in a batch for its lists, which drop_caches leaves.
func drop(t *testing.T, f *os.File) {
	t.Helper()
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	for deadline := time.Now().Add(patience); ; {
		if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		if count(pageCache(t, f, nil)) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays in the page cache", f.Name())
		}
	}
}

// pageCache tells which pages of a file are in the page cache: mincore(2), which isn't a
// use of them. mapped is called with the file's memory, if not nil.
func pageCache(t *testing.T, f *os.File, mapped func(m []byte, resident []bool)) (resident []bool) {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(m)
	core := make([]byte, len(m)/page)
	_, _, errno := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), uintptr(unsafe.Pointer(&core[0])))
	if errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range core {
		resident = append(resident, c&1 != 0)
	}
	if mapped != nil {
		mapped(m, resident)
	}
	return resident
}

// folios tells which pages are in the page cache, and which of these belong to the same
// folio as the page before them. Looking is a use of the pages.
func folios(t *testing.T, f *os.File) (resident, tail []bool) {
	t.Helper()
	resident = pageCache(t, f, func(m []byte, resident []bool) {
		for i, in := range resident {
			var sum byte
			if in {
				sum += m[i*page] // has it mapped
			}
			tail = append(tail, in && sum == 0 && isTail(t, &m[i*page]))
		}
	})
	return resident, tail
}

// isTail looks a mapped page up: Documentation/admin-guide/mm/pagemap.rst.
func isTail(t *testing.T, at *byte) bool {
	t.Helper()
	const frameBits, compoundTail = 1<<55 - 1, 1 << 16
	frame := word(t, "/proc/self/pagemap", uint64(uintptr(unsafe.Pointer(at)))/page) & frameBits
	return frame != 0 && word(t, "/proc/kpageflags", frame)&compoundTail != 0
}

// word reads the i-th u64 of a file.
func word(t *testing.T, path string, i uint64) uint64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [8]byte
	if _, err := f.ReadAt(b[:], int64(8*i)); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// usedPages is how many of the cached pages count as used after the first n bytes were
// read: those, and the rest of the last one's folio.
func usedPages(n int, resident, tail []bool) int {
	used := (n + page - 1) / page
	for used < len(resident) && resident[used] && tail[used] {
		used++
	}
	return used
}

func count(b []bool) (n int) {
	for _, set := range b {
		if set {
			n++
		}
	}
	return n
}

// readaheadForm is all that the tool prints.
var readaheadForm = regexp.MustCompile(`^Tracing\.\.\. Hit Ctrl-C to end\.

Read-ahead unused pages: ([0-9]+)
Histogram of read-ahead used page age \(ms\):

(?:     age \(ms\)            : count     distribution
((?: +[0-9]+ -> [0-9]+ +: [0-9]+ +\|\** *\|
)+))?$`)

// parseReadahead gives the unused pages and the sum of the histogram.
func parseReadahead(t *testing.T, out string) (unused, used int) {
	t.Helper()
	m := readaheadForm.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("not as bcc prints it:\n%s", out)
	}
	unused, _ = strconv.Atoi(m[1])
	return unused, sumLog2(m[2])
}

// TestReadahead: pages that are read ahead and read, and those that aren't, are as many as
// the kernel says are in the page cache.
func TestReadahead(t *testing.T) {
	live(t, testkit.Feature("fentry"))
	if !vm.InGuest() {
		t.Skip("counts exactly where nobody else reads: run by TestGuests")
	}
	tests := []struct {
		name string
		read int // bytes
	}{
		{"nothing", 0},
		{"the first page", page},
		{"up to the middle", 5<<20 + 12345},
		{"to the end", 16 << 20},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := coldFile(t, fmt.Sprint("file", i), 16<<20)
			s := start(t, "readahead")
			buf := make([]byte, 64<<10)
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(struct{ io.Reader }{f}, int64(tt.read)), buf); err != nil {
				t.Fatal(err)
			}
			unused, used := parseReadahead(t, s.interrupt())
			resident, tail := folios(t, f)
			wantUsed := usedPages(tt.read, resident, tail)
			wantUnused := count(resident) - wantUsed
			t.Logf("%d pages cached, %d used, %d unused, %d in large folios", count(resident), used, unused, count(tail))
			if used != wantUsed || unused != wantUnused {
				t.Errorf("%d used and %d unused, want %d and %d", used, unused, wantUsed, wantUnused)
			}
		})
	}
}

// TestReadaheadDropped: pages that leave the page cache unused stay unused, and what is
// later read into their memory isn't taken for them.
func TestReadaheadDropped(t *testing.T) {
	live(t, testkit.Feature("fentry"))
	if !vm.InGuest() {
		t.Skip("counts exactly where nobody else reads: run by TestGuests")
	}
	const ahead = 128 << 10 / page // as much as a disk's default read-ahead takes at once
	dropped, read := coldFile(t, "dropped", ahead*page), coldFile(t, "read", 16<<20)
	s := start(t, "readahead")
	if _, _, errno := syscall.Syscall(syscall.SYS_READAHEAD, dropped.Fd(), 0, ahead*page); errno != 0 {
		t.Fatal(errno)
	}
	// The call doesn't wait for the data.
	for deadline := time.Now().Add(patience); count(pageCache(t, dropped, nil)) < ahead; {
		if time.Now().After(deadline) {
			t.Fatalf("readahead(2) read %d pages, want %d", count(pageCache(t, dropped, nil)), ahead)
		}
	}
	drop(t, dropped)
	if _, err := io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{read}); err != nil {
		t.Fatal(err)
	}
	unused, used := parseReadahead(t, s.interrupt())
	if unused != ahead || used != 16<<20/page {
		t.Errorf("%d unused and %d used, want %d and %d", unused, used, ahead, 16<<20/page)
	}
}

// TestReadaheadDuration: with -d it ends by itself.
func TestReadaheadDuration(t *testing.T) {
	live(t, testkit.Feature("fentry"))
	parseReadahead(t, start(t, "readahead", "-d", "1").end())
}

// TestGone: a script that names a function of older kernels is told today's.
func TestGone(t *testing.T) {
	live(t)
	for _, kind := range []string{"kprobe", "fentry"} {
		t.Run(kind, func(t *testing.T) {
			if kind == "kprobe" {
				testkit.Need(t, testkit.Feature(kind))
			}
			status, out := refused(t, "-e", kind+":__do_page_cache_readahead { }")
			if status != 1 {
				t.Errorf("exit status %d", status)
			}
			if !strings.Contains(out, "stdin:1:1: ERROR: ") || !regexp.MustCompile("did you mean `"+kind+":(vmlinux:)?(do_page_cache_ra|page_cache_ra_order|page_cache_ra_unbounded)`").MatchString(out) {
				t.Errorf("today's name isn't told:\n%s", out)
			}
		})
	}
}
