//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// numbersScript makes pseudo-random numbers of all magnitudes, with and without a sign, and
// gathers them in each way.
const numbersScript = `
begin {
  $x = (uint64)SEED; $n = (uint64)ncpus * 0 + 700;
  for ($i : 0..($n)) {
    $x = $x * 6364136223846793005 + 1442695040888963407;
    $u = $x >> (10 + (($x >> 20) & 31));
    $s = (int64)$u - (int64)(1 << 21);
    @summary = summary($u);
    @keyed[$u % 3] = summary($s, 3);
    @bhist = bhist($s, -2000000, -1, 0, 1, 1000, 1000000, 1000000000);
    @avg[$u % 3] = avg($s, 4);
  }
  exit();
}`

// numbersOf are the script's numbers.
func numbersOf(seed uint64) (unsigned []uint64, signed []int64) {
	for x := seed; len(unsigned) < 700; {
		x = x*6364136223846793005 + 1442695040888963407
		u := x >> (10 + x>>20&31)
		unsigned, signed = append(unsigned, u), append(signed, int64(u)-1<<21)
	}
	return unsigned, signed
}

// TestNumbers: what programs gather of random numbers is what's computed of them one by one.
func TestNumbers(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	for seed := range uint64(3) {
		maps := runJSON(t, strings.Replace(numbersScript, "SEED", fmt.Sprint(seed), 1))
		unsigned, signed := numbersOf(seed)
		var all []*big.Int
		byKey := map[string][]*big.Int{}
		for i, u := range unsigned {
			all = append(all, new(big.Int).SetUint64(u))
			key := fmt.Sprint(u % 3)
			byKey[key] = append(byKey[key], big.NewInt(signed[i]))
		}
		checkSummary(t, maps["@summary"], all, 5)
		keyed := maps["@keyed"].(map[string]any)
		averages := maps["@avg"].(map[string]any)
		if len(keyed) != len(byKey) || len(averages) != len(byKey) {
			t.Errorf("%d and %d keys of %d", len(keyed), len(averages), len(byKey))
		}
		for key, list := range byKey {
			checkSummary(t, keyed[key], list, 3)
			if got, want := float(t, averages[key]), average(list); got != want {
				t.Errorf("avg[%s]: got %v, want %v", key, got, want)
			}
		}
		checkBounds(t, maps["@bhist"].([]any), signed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// runJSON runs a script and gives the maps it prints.
func runJSON(t *testing.T, script string) map[string]any {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(binDir, "skep"), "-q", "-f", "json", "-e", script)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	maps := map[string]any{}
	for line := range bytes.Lines(out) {
		var rec struct {
			Data json.RawMessage
		}
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		dec := json.NewDecoder(bytes.NewReader(rec.Data))
		dec.UseNumber()
		if err := dec.Decode(&maps); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
	}
	return maps
}

// integer reads a number, which is a string when a double wouldn't hold it.
func integer(t *testing.T, v any) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(fmt.Sprint(v), 10)
	if !ok {
		t.Fatalf("%v is no integer", v)
	}
	return n
}

func float(t *testing.T, v any) float64 {
	t.Helper()
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	f, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func average(list []*big.Int) float64 {
	sum := new(big.Int)
	for _, n := range list {
		sum.Add(sum, n)
	}
	f, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(list)))).Float64()
	return f
}

func checkSummary(t *testing.T, got any, list []*big.Int, bits uint) {
	t.Helper()
	m, ok := got.(map[string]any)
	if !ok {
		t.Fatalf("%v is no summary", got)
	}
	slices.SortFunc(list, (*big.Int).Cmp)
	n := len(list)
	exact := map[string]*big.Int{"count": big.NewInt(int64(n)), "min": list[0], "max": list[n-1]}
	for name, want := range exact {
		if x := integer(t, m[name]); x.Cmp(want) != 0 {
			t.Errorf("%s: got %v, want %v", name, x, want)
		}
	}
	if x, want := float(t, m["avg"]), average(list); x != want {
		t.Errorf("avg: got %v, want %v", x, want)
	}
	mean := new(big.Float).SetPrec(200).SetFloat64(average(list))
	squares := new(big.Float).SetPrec(200)
	for _, x := range list {
		d := new(big.Float).SetPrec(200).SetInt(x)
		d.Sub(d, mean)
		squares.Add(squares, d.Mul(d, d))
	}
	variance, _ := squares.Quo(squares, big.NewFloat(float64(n))).Float64()
	if x, want := float(t, m["stddev"]), math.Sqrt(variance); math.Abs(x-want) > 1e-12*want {
		t.Errorf("stddev: got %v, want %v", x, want)
	}
	for name, q := range map[string]int{"p50": 500, "p90": 900, "p99": 990, "p99.9": 999} {
		want := list[(n*q+999)/1000-1]
		off := integer(t, m[name])
		off.Sub(off, want)
		if off.Abs(off).Lsh(off, bits+1).CmpAbs(want) > 0 {
			t.Errorf("%s: got %v, want %v within 1/%d", name, m[name], want, 2<<bits)
		}
	}
}

func checkBounds(t *testing.T, got []any, list []int64) {
	t.Helper()
	bounds := []int64{-2000000, -1, 0, 1, 1000, 1000000, 1000000000}
	want := make([]int64, len(bounds)+1)
	for _, x := range list {
		want[sort.Search(len(bounds), func(i int) bool { return x < bounds[i] })]++
	}
	for _, b := range got {
		m := b.(map[string]any)
		i := len(bounds)
		if high, ok := m["max"]; ok {
			i, _ = slices.BinarySearch(bounds, integer(t, high).Int64()+1)
		}
		if n := integer(t, m["count"]).Int64(); n != want[i] {
			t.Errorf("bhist: %v, want %d", m, want[i])
		}
		want[i] = 0
	}
	if slices.Max(want) > 0 {
		t.Errorf("bhist: %v are missing in %v", want, got)
	}
}
