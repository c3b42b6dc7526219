//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// TestKinds tries every kind of probe, and the tools, on the running kernel: each works or
// lacks something that the row names. What it finds is a column of docs/kernels.md.
func TestKinds(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"), testkit.Program("cat"))
	if err := makeFiles(); err != nil {
		t.Fatal(err)
	}
	column := map[string]string{}
	cases := kindCases()
	for _, c := range cases {
		t.Run(c.row, func(t *testing.T) { column[c.row] = c.cell(t) })
	}
	if vm.InGuest() {
		sendColumn(t, column)
		return
	}
	if t.Failed() {
		return // what fails isn't written down
	}
	title := kernelTitle(t)
	table := readTable(t)
	if testkit.Updating() {
		table.set(hostColumn, title, column)
		table.write(t)
		return
	}
	if table.titles[hostColumn] != title {
		t.Logf("%s shows Linux %s, this is %s", kernelsPage, table.titles[hostColumn], title)
		return
	}
	for _, c := range cases {
		if got, want := column[c.row], table.cells[hostColumn][c.row]; got != want && !c.varies {
			t.Errorf("%s has %q for %s, this kernel %q (accept with -update)", kernelsPage, want, c.row, got)
		}
	}
}

// TestKindsComplete wants a row for each kind of probe.
func TestKindsComplete(t *testing.T) {
	for _, kind := range probe.Kinds() {
		if !slices.ContainsFunc(kindCases(), func(c kindCase) bool { return c.kind == kind.Kind }) {
			t.Errorf("no row tries %s", kind.Name)
		}
	}
}

// cell is what the table says of the row on the running kernel.
func (c *kindCase) cell(t *testing.T) string {
	for _, r := range c.needs {
		why := r.Missing()
		if why == "" {
			continue
		}
		t.Logf("needs %s: %s", r.Name, why)
		if since, ok := strings.CutPrefix(r.Name, "Linux "); ok {
			return "from " + since
		}
		return missing[r.Name]
	}
	want := regexp.MustCompile(c.want)
	out := c.run(t)
	if c.varies && !want.MatchString(out) {
		t.Logf("tried again: no match for %s in\n%s", c.want, out)
		out = c.run(t)
	}
	if !want.MatchString(out) {
		t.Errorf("no match for %s in\n%s", c.want, out)
		return "fails"
	}
	return "yes"
}

// missing says in the table what a machine hasn't got.
var missing = map[string]string{
	kprobes.Name: "no kprobes", kprobeMulti.Name: "one by one", fentries.Name: "refused", counters.Name: "no counters", breakpoints.Name: "never fires",
	modules.Name: "no modules",
}

// columnFile is the artefact by which a guest sends its column.
const columnFile = "kernels.json"

func sendColumn(t *testing.T, column map[string]string) {
	data, err := json.Marshal(column)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("/artefacts", columnFile), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkColumns compares the columns of the guests, whose artefacts are in folders of dir,
// with the table.
func checkColumns(t *testing.T, dir string) {
	if t.Failed() {
		return // what fails isn't written down
	}
	table := readTable(t)
	for _, s := range vm.AllSeries() {
		data, err := os.ReadFile(filepath.Join(dir, s.Name, columnFile))
		if os.IsNotExist(err) {
			continue // not asked for
		}
		column := map[string]string{}
		if err == nil {
			err = json.Unmarshal(data, &column)
		}
		if err != nil {
			t.Fatal(err)
		}
		if testkit.Updating() {
			table.set(s.Name, guestTitle(t, s), column)
			continue
		}
		for _, c := range kindCases() {
			if got, want := column[c.row], table.cells[s.Name][c.row]; got != want {
				t.Errorf("%s has %q for %s in Linux %s, which has %q (accept with -update)", kernelsPage, want, c.row, s.Name, got)
			}
		}
	}
	if testkit.Updating() {
		table.write(t)
	}
}

// guestTitle is the version of a series' kernel.
func guestTitle(t *testing.T, s vm.Series) string {
	k, err := vm.Fetch(s)
	if err != nil {
		t.Fatal(err)
	}
	return shortVersion(k.Release)
}

// kernelTitle is the version of the running kernel.
func kernelTitle(t *testing.T) string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	return shortVersion(string(release))
}

// shortVersion is "6.12" of "6.12.117+deb12".
func shortVersion(release string) string {
	return regexp.MustCompile(`^\d+\.\d+`).FindString(release)
}

// kernelsPage holds the table, between these two lines.
const (
	kernelsPage = "../../docs/kernels.md"
	tableBegin  = "<!-- made by go test ./internal/e2e -run 'Kinds|Guests' -update -->\n"
	tableEnd    = "<!-- end -->\n"
	hostColumn  = "host"
)

// kernelsTable is the table of docs/kernels.md, by columns: a guest's series, or host.
type kernelsTable struct {
	before, after string
	titles        map[string]string
	cells         map[string]map[string]string // by column and row
}

// columns are the table's, in order; the host's comes before the last.
func columns() []string {
	var list []string
	for _, s := range vm.AllSeries() {
		list = append(list, s.Name)
	}
	return slices.Insert(list, len(list)-1, hostColumn)
}

func readTable(t *testing.T) *kernelsTable {
	t.Helper()
	text, err := os.ReadFile(kernelsPage)
	if err != nil {
		t.Fatal(err)
	}
	table := &kernelsTable{titles: map[string]string{}, cells: map[string]map[string]string{}}
	var body string
	var ok bool
	if table.before, body, ok = strings.Cut(string(text), tableBegin); ok {
		body, table.after, ok = strings.Cut(body, tableEnd)
	}
	if !ok {
		t.Fatalf("%s has no place for the table", kernelsPage)
	}
	lines := strings.Split(strings.TrimSpace(body), "\n")
	for n, line := range lines {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if n == 1 || len(cells) != len(columns())+1 {
			continue
		}
		for i, column := range columns() {
			cell := strings.TrimSpace(cells[i+1])
			if n == 0 {
				table.titles[column] = strings.TrimSuffix(cell, hostMark)
				table.cells[column] = map[string]string{}
				continue
			}
			table.cells[column][strings.TrimSpace(cells[0])] = cell
		}
	}
	return table
}

// hostMark leads from the host's title to a note below the table.
const hostMark = "¹"

func (k *kernelsTable) set(column, title string, cells map[string]string) {
	k.titles[column], k.cells[column] = title, cells
	if column != hostColumn {
		return
	}
	for _, c := range kindCases() {
		if c.varies {
			k.cells[column][c.row] = "varies"
		}
	}
}

func (k *kernelsTable) write(t *testing.T) {
	var b strings.Builder
	row := func(first string, cell func(column string) string) {
		fmt.Fprintf(&b, "| %s |", first)
		for _, c := range columns() {
			fmt.Fprintf(&b, " %s |", cell(c))
		}
		b.WriteString("\n")
	}
	row("", func(c string) string {
		if c == hostColumn {
			return k.titles[c] + hostMark
		}
		return k.titles[c]
	})
	b.WriteString("|---|" + strings.Repeat("---|", len(columns())) + "\n")
	for _, c := range kindCases() {
		row(c.row, func(column string) string { return k.cells[column][c.row] })
	}
	if err := os.WriteFile(kernelsPage, []byte(k.before+tableBegin+b.String()+tableEnd+k.after), 0o644); err != nil {
		t.Fatal(err)
	}
}
