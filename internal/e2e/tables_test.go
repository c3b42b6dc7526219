//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// crcScript prints the CRC-32 of the names of files that cat opens; TABLE is that of the polynomial.
const crcScript = `
const table: uint32[] = (TABLE);
const LONGEST = 64;

fn crc($s: string[LONGEST], $n: uint64): uint32 {
  let $crc: uint32 = 0xffffffff;
  for ($i : 0..LONGEST) {
    if ($i >= (int64)$n) { break; }
    $crc = table[(uint8)($crc ^ (uint32)$s[(uint64)$i])] ^ ($crc >> 8);
  }
  return ~$crc;
}

tracepoint:syscalls:sys_enter_openat /comm == "cat"/ {
  let $name: string[LONGEST] = str(args.filename, LONGEST);
  printf("%08x %s\n", crc($name, strlen($name)), $name);
}`

// TestTableCRC: a checksum by a constant table is that of hash/crc32.
func TestTableCRC(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	table := make([]string, 256)
	for i := range table {
		n := uint32(i)
		for range 8 {
			n = n>>1 ^ n&1*crc32.IEEE
		}
		table[i] = fmt.Sprint(n)
	}
	script := strings.Replace(crcScript, "TABLE", strings.Join(table, ", "), 1)
	names := []string{"a", "/nosuch/\x01\xff\x80", "123456789", strings.Repeat("z", 63)}
	out := runScript(t, script, "-c", "cat "+strings.Join(names, " "))
	for _, name := range names {
		if want := fmt.Sprintf("%08x %s\n", crc32.ChecksumIEEE([]byte(name)), name); !strings.Contains(out, want) {
			t.Errorf("%q isn't in\n%q", want, out)
		}
	}
}

// TestLargeTable: a table of 64 KiB, read at its ends and within.
func TestLargeTable(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	var table strings.Builder
	for i := range 1 << 14 {
		fmt.Fprintf(&table, "%d,", i*i)
	}
	out := runScript(t, "const squares: uint32[] = ("+table.String()+`);
begin { $i = nsecs & 0; printf("%d %d %d\n", squares[$i], squares[$i + 12345], squares[$i + 16383]); exit(); }`)
	if want := "0 152399025 268402689\n"; !strings.Contains(out, want) {
		t.Errorf("%q isn't in %q", want, out)
	}
}

// runScript runs a script, with options before it, and gives what it prints.
func runScript(t *testing.T, script string, options ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.bt")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(binDir, "skep"), append(append([]string{"-q"}, options...), file)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	return string(out)
}
