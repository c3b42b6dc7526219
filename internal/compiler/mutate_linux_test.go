package compiler_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/diag"
)

// TestMutants compiles scripts with a token dropped, doubled, swapped with the next one or
// replaced by another: no panic, no delay, and errors that have a place. SKEP_SCRIPTS names
// a folder of further scripts.
func TestMutants(t *testing.T) {
	l := newLive(t)
	var scripts []string
	for _, pattern := range []string{"../tools/*.bt", filepath.Join(os.Getenv("SKEP_SCRIPTS"), "*.bt")} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, string(b))
		}
	}
	for seed := range uint64(20) {
		scripts = append(scripts, randomScript(seed, 12))
	}
	for seed := *firstSeed; seed < *firstSeed+5**seedCount; seed++ {
		r := rand.New(rand.NewPCG(seed, 2))
		script := mutant(r, scripts[r.IntN(len(scripts))])
		start := time.Now()
		_, rep := l.compile(script, nil)
		if time.Since(start) > time.Second { // perhaps the machine was busy, or read something for the first time
			start = time.Now()
			_, rep = l.compile(script, nil)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("seed %d: compiling took %v:\n%s", seed, d, script)
		}
		for _, d := range rep.All() {
			if strings.HasPrefix(d.Msg, "BUG:") || d.Severity == diag.Error && !d.Span.IsValid() {
				t.Errorf("seed %d: %s %s\n%s", seed, d.Code, d.Msg, script)
			}
		}
	}
}

// mutant is script with one or two tokens changed.
func mutant(r *rand.Rand, script string) string {
	tokens := tokensOf(script)
	for range 1 + r.IntN(2) {
		i := r.IntN(len(tokens) - 1)
		switch r.IntN(5) {
		case 0:
			tokens[i] = ""
		case 1:
			tokens[i] += " " + tokens[i]
		case 2:
			tokens[i], tokens[i+1] = tokens[i+1], tokens[i]
		case 3:
			tokens[i] = tokens[r.IntN(len(tokens))]
		default:
			words := []string{"int8", "uint64", "string", "struct task_struct *", "0", "-1", "18446744073709551615", `""`,
				"@", "$x", "{", "}", "(", ")", "comm", "kstack", "args", "curtask", "count()", "hist(1)", "@x[1]", "(1,2)", "retval", "return", "exit()"}
			tokens[i] = words[r.IntN(len(words))]
		}
	}
	return strings.Join(tokens, "")
}

// tokensOf cuts a script into words, blanks and single marks.
func tokensOf(s string) (out []string) {
	class := func(c byte) int {
		switch {
		case c == '_' || c == '$' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return 1
		case c == ' ' || c == '\n' || c == '\t':
			return 2
		}
		return 0
	}
	for i := 0; i < len(s); {
		j := i + 1
		for k := class(s[i]); k != 0 && j < len(s) && class(s[j]) == k; {
			j++
		}
		out = append(out, s[i:j])
		i = j
	}
	return out
}
