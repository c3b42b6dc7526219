package compiler_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
)

var (
	mutantCount = flag.Uint64("mutants", 2000, "how many broken variants of scripts")
	kindsFile   = flag.String("kinds", "", "write the kinds of errors that broken variants give to this file, the most common first")
)

// TestMutants checks broken variants of real scripts: no panic, no delay, and errors that
// have a place in the source. It needs no root. SKEP_SCRIPTS names a folder of further scripts.
func TestMutants(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	l := newFacts(t)
	l.finder.CheckOnly, l.env.CheckOnly = true, true
	// A script that's wrong from the start, as those of tests may be, would tell of itself.
	scripts := slices.DeleteFunc(realScripts(t), func(s string) bool {
		rep, _ := l.checkInTime(s)
		return rep.Failed()
	})
	kinds := map[string]*errorKind{}
	failed := 0
	for seed := *firstSeed; seed < *firstSeed+*mutantCount; seed++ {
		r := rand.New(rand.NewPCG(seed, 3))
		script, how := mutant(r, scripts[r.IntN(len(scripts))])
		rep, took := l.checkInTime(script)
		if took > time.Second {
			t.Errorf("seed %d (%s): checking took %v:\n%s", seed, how, took, script)
		}
		for _, d := range rep.All() {
			if strings.HasPrefix(d.Msg, "BUG:") {
				t.Errorf("seed %d (%s): %s\n%v\n%s", seed, how, d.Msg, d.Notes, script)
			}
			if d.Severity == diag.Error {
				addKind(kinds, rep, d, how)
			}
		}
		if rep.Failed() {
			failed++
			checkPlaces(t, rep, fmt.Sprintf("seed %d (%s)", seed, how), script)
		}
	}
	if failed < int(*mutantCount)/3 || len(scripts) < 100 {
		t.Errorf("only %d variants of %d are wrong, from %d scripts", failed, *mutantCount, len(scripts))
	}
	t.Logf("%d variants of %d are wrong, from %d scripts", failed, *mutantCount, len(scripts))
	if *kindsFile != "" {
		writeKinds(t, kinds)
	}
}

// checkInTime checks a script, again while it takes too long: a loaded machine is no fault of the
// checker's. took is the shortest time.
func (l *live) checkInTime(script string) (rep *diag.Reporter, took time.Duration) {
	took = time.Hour
	for try := 0; try < 5 && took > time.Second; try++ {
		start := time.Now()
		_, rep = l.compile(script, func(opt *compiler.Options) { opt.CheckOnly, opt.Expand.Open = true, true })
		took = min(took, time.Since(start))
	}
	return rep, took
}

// checkPlaces: each error has a place, and the first of all is in the script itself.
func checkPlaces(t *testing.T, rep *diag.Reporter, name, script string) {
	t.Helper()
	own := false
	for _, d := range rep.All() {
		if d.Severity != diag.Error {
			continue
		}
		f, start, chain := rep.Sources.Resolve(d.Span.Start)
		if f == nil || d.Span.End < d.Span.Start || f.Offset(start) > len(f.Text) {
			t.Errorf("%s: %s %s has no place: %v\n%s", name, d.Code, d.Msg, d.Span, script)
			continue
		}
		own = own || f.Name == "script.bt"
		for _, e := range chain {
			g, _, _ := rep.Sources.Resolve(e.Call.Start)
			own = own || g != nil && g.Name == "script.bt"
		}
	}
	if !own {
		t.Errorf("%s: no error is in the script\n%s", name, script)
	}
}

// realScripts are the project's own: the tools, and what its tests run.
func realScripts(t *testing.T) []string {
	t.Helper()
	var scripts []string
	read := func(pattern string, take func(text string) []string) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 && !strings.HasPrefix(pattern, os.Getenv("SKEP_SCRIPTS")+"/") {
			t.Fatalf("%s: no scripts, %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, take(string(b))...)
		}
	}
	whole := func(text string) []string { return []string{text} }
	for range 6 { // a tool has more lines than all of a test's scripts
		read("../tools/*.bt", whole)
	}
	read("../lang/syntax/testdata/scripts/*.bt", whole)
	for _, pattern := range []string{"testdata/*.txtar", "testdata/live/*.txtar", "../lang/expand/testdata/*.txtar", "../e2e/testdata/*.txtar", "../cli/testdata/*.txtar"} {
		read(pattern, archived)
	}
	if dir := os.Getenv("SKEP_SCRIPTS"); dir != "" {
		read(dir+"/*.bt", whole)
	}
	for seed := range uint64(20) {
		scripts = append(scripts, randomScript(seed, 12))
	}
	return scripts
}

var evals = regexp.MustCompile(`-e '((?:[^'\n]|'')*)'`)

// archived are the scripts of a test: those of its command lines, and its files.
func archived(text string) []string {
	var scripts []string
	ar := txtar.Parse([]byte(text))
	for _, m := range evals.FindAllStringSubmatch(string(ar.Comment), -1) {
		scripts = append(scripts, strings.ReplaceAll(m[1], "''", "'"))
	}
	for _, f := range ar.Files {
		if strings.HasSuffix(f.Name, ".bt") || f.Name == "script" {
			scripts = append(scripts, string(f.Data))
		}
	}
	return slices.DeleteFunc(scripts, func(s string) bool { return len(tokensOf(s)) < 4 })
}

// mutation changes the tokens of a script at i; false: it has nothing to change there.
type mutation struct {
	name string
	do   func(r *rand.Rand, tokens []string, i int) bool
}

var mutations = []mutation{
	{"dropped", func(_ *rand.Rand, tokens []string, i int) bool {
		tokens[i] = ""
		return true
	}},
	{"doubled", func(_ *rand.Rand, tokens []string, i int) bool {
		tokens[i] += " " + tokens[i]
		return true
	}},
	{"swapped", func(_ *rand.Rand, tokens []string, i int) bool {
		j := i + 1
		for j < len(tokens) && isBlank(tokens[j]) {
			j++
		}
		if j == len(tokens) {
			return false
		}
		tokens[i], tokens[j] = tokens[j], tokens[i]
		return true
	}},
	{"replaced", func(r *rand.Rand, tokens []string, i int) bool {
		tokens[i] = tokens[r.IntN(len(tokens))]
		return true
	}},
	{"retyped", func(r *rand.Rand, tokens []string, i int) bool {
		values := []string{"int8", "uint64", "string", "struct task_struct", "0", "-1", "18446744073709551615", `""`, "comm", "kstack", "args",
			"curtask", "count()", "hist(1)", "@x[1]", "@", "$x", "(1,2)", "retval", "nsecs", "(uint8)1", "1.5", "true", "10s", "ustack(3)", "strftime(\"%H\", nsecs)"}
		if !isWord(tokens[i]) && tokens[i][0] != '"' {
			return false
		}
		tokens[i] = values[r.IntN(len(values))]
		return true
	}},
	{"unterminated", func(_ *rand.Rand, tokens []string, i int) bool {
		if tokens[i][0] != '"' {
			return false
		}
		tokens[i] = strings.TrimSuffix(tokens[i], `"`)
		return true
	}},
	{"misspelt", func(r *rand.Rand, tokens []string, i int) bool {
		w := tokens[i]
		if !isWord(w) || len(w) < 4 {
			return false
		}
		at := 1 + r.IntN(len(w)-2)
		switch r.IntN(3) {
		case 0:
			w = w[:at] + w[at+1:]
		case 1:
			w = w[:at] + w[at+1:at+2] + w[at:at+1] + w[at+2:]
		default:
			w = w[:at] + w[at:at+1] + w[at:]
		}
		tokens[i] = w
		return true
	}},
}

// mutant is script with a token changed, at times two, and how.
func mutant(r *rand.Rand, script string) (text, how string) {
	tokens := tokensOf(script)
	var done []string
	for want := 1 + r.IntN(4)/3; len(done) < want; {
		i := r.IntN(len(tokens))
		m := mutations[r.IntN(len(mutations))]
		if tokens[i] != "" && !isBlank(tokens[i]) && m.do(r, tokens, i) {
			done = append(done, m.name)
		}
	}
	return strings.Join(tokens, ""), strings.Join(done, ", ")
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" || strings.HasPrefix(s, "//") }

func isWord(s string) bool { return s != "" && wordByte(s[0]) }

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

var token = regexp.MustCompile(`//[^\n]*|"(?:[^"\\\n]|\\.)*"|[ \t\n]+|[_$@0-9a-zA-Z]+|&&|\|\||[=!<>+*/-]=|->|\+\+|--|<<|>>|\.\.|(?s:.)`)

// tokensOf cuts a script into words, strings, blanks, comments and marks.
func tokensOf(s string) []string { return token.FindAllString(s, -1) }

// errorKind is a kind of errors: their code and the words of their message, without its names.
type errorKind struct {
	count   int
	example string
}

var names = regexp.MustCompile("`[^`]*\\w[^`]*`|\"[^\"]*\"|'[^']*'|[@$][a-z_A-Z0-9]*|\\b[0-9]+\\b|\\b[a-z]+[_0-9][a-z_0-9]*\\b|\\b\\w+:\\S+")

func addKind(kinds map[string]*errorKind, rep *diag.Reporter, d *diag.Diagnostic, how string) {
	key := string(d.Code) + " " + names.ReplaceAllString(d.Msg, "N")
	k := kinds[key]
	if k == nil {
		var b strings.Builder
		errs := slices.DeleteFunc(rep.All(), func(d *diag.Diagnostic) bool { return d.Severity != diag.Error })
		_ = diag.WriteText(&b, rep.Sources, errs, false)
		k = &errorKind{example: how + ":\n" + b.String()}
		kinds[key] = k
	}
	k.count++
}

func writeKinds(t *testing.T, kinds map[string]*errorKind) {
	t.Helper()
	var keys []string
	for k := range kinds {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := kinds[b].count - kinds[a].count; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "=== %d × %s\n%s\n", kinds[k].count, k, kinds[k].example)
	}
	if err := os.WriteFile(*kindsFile, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}
