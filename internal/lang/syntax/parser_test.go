package syntax

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

var errorComment = regexp.MustCompile(`/\* ERROR "((?:[^"\\]|\\.)*)" \*/`)

// TestErrors: the lines of testdata/errors that end in /* ERROR "regexp" */, and no
// others, have an error that matches.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.bt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f, func(t *testing.T) { checkErrors(t, string(text)) })
	}
}

func checkErrors(t *testing.T, text string) {
	want := map[int]string{}
	for i, line := range strings.Split(text, "\n") {
		if m := errorComment.FindStringSubmatch(line); m != nil {
			want[i+1] = strings.ReplaceAll(m[1], `\"`, `"`)
		}
	}
	s, rep := parse(text)
	for _, d := range rep.All() {
		line, col := s.Source.LineCol(d.Span.Start)
		rx, ok := want[line]
		delete(want, line)
		switch {
		case !ok:
			t.Errorf("%d:%d: unexpected: %s", line, col, d.Msg)
		case !regexp.MustCompile(rx).MatchString(d.Msg):
			t.Errorf("%d:%d: %s doesn't match %q", line, col, d.Msg, rx)
		}
	}
	for line, rx := range want {
		t.Errorf("%d: no error, want %q", line, rx)
	}
}

// TestCodes: the failing example of each code of this package fails with it.
func TestCodes(t *testing.T) {
	for _, doc := range diag.Codes() {
		if !strings.HasPrefix(string(doc.Code), "E01") || doc.Code == diag.CodeDepth {
			continue
		}
		_, rep := parse(doc.Example)
		if all := rep.All(); len(all) == 0 || all[0].Code != doc.Code {
			t.Errorf("%s: %q gives %v", doc.Code, doc.Example, all)
		}
	}
}

// TestMessages: some errors in full.
func TestMessages(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unclosed brace points to where it began", "begin {\n\tif (1) {\n\tprint(1);\n}\n", `
test.bt:1:7: ERROR: ` + "`{`" + ` is never closed [E0113]
1 | begin {
  |       ^
`},
		{"unclosed string", "begin { print(\"a); }", `
test.bt:1:15: ERROR: string isn't closed [E0103]
1 | begin { print("a); }
  |               ^~~~~~
  note: a string ends on its own line; \n stands for a new line in it
`},
		{"unclosed quote of an attach point", "uprobe:\"/bin/x:f {\n\tprint(1);\n}", `
test.bt:1:8: ERROR: quoted part isn't closed [E0103]
1 | uprobe:"/bin/x:f {
  |        ^
`},
		{"what a string may have swallowed isn't missed", `kprobe:a {
	if (pid) {
		print("a);
	}
	print(");
}
kprobe:b { if (comm == "x) { print(3); exit(); } }
kprobe:c /comm == "x/ { print(3); }
kprobe:d { print(1 2); }
`, `
test.bt:3:9: ERROR: string isn't closed [E0103]
3 |                 print("a);
  |                       ^~~~
  note: a string ends on its own line; \n stands for a new line in it
test.bt:5:8: ERROR: string isn't closed [E0103]
5 |         print(");
  |               ^~~
  note: a string ends on its own line; \n stands for a new line in it
test.bt:7:24: ERROR: string isn't closed [E0103]
7 | kprobe:b { if (comm == "x) { print(3); exit(); } }
  |                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  note: a string ends on its own line; \n stands for a new line in it
test.bt:8:19: ERROR: string isn't closed [E0103]
8 | kprobe:c /comm == "x/ { print(3); }
  |                   ^~~~~~~~~~~~~~~~~
  note: a string ends on its own line; \n stands for a new line in it
test.bt:9:20: ERROR: expected ` + "`)`, found `2`" + ` [E0110]
9 | kprobe:d { print(1 2); }
  |                    ^
test.bt:9:17: NOTE: to close this ` + "`(`" + `
9 | kprobe:d { print(1 2); }
  |                 ^
`},
		{"a block that isn't closed before the next probe", "kprobe:a {\n\tif (1) {\n\t\tprint(1);\n}\nkprobe:b { }\n", `
test.bt:5:1: ERROR: a probe begins here, inside of a block [E0113]
5 | kprobe:b { }
  | ^~~~~~~~
test.bt:1:10: NOTE: this ` + "`{`" + ` isn't closed before it
1 | kprobe:a {
  |          ^
`},
		{"unclosed comment", "begin { }\n/* end", `
test.bt:2:1: ERROR: comment isn't closed [E0104]
2 | /* end
  | ^~
  note: it runs to the end of the script; close it with */
`},
		{"missing semicolon is proposed where it belongs", "begin {\n\tprint(1)\n\tprint(2)\n}", `
test.bt:2:10: ERROR: expected ` + "`;`, found `print`" + ` [E0112]
2 |         print(1)
  |                 ^
  fix: end the statement with ` + "`;`" + `
`},
		{"a byte order mark is none of the script", "\ufeffbegin { print(1); }", ""},
		{"a word processor's minus", "begin { $x = 5 \u2212 3; }", `
test.bt:1:16: ERROR: unexpected character "−" [E0101]
1 | begin { $x = 5 − 3; }
  |                ^
  fix: did you mean ` + "`-`" + `?
`},
		{"a blank that isn't one", "begin {\u00a0print(1); }", `
test.bt:1:8: ERROR: unexpected character "\u00a0" [E0101]
1 | begin { print(1); }
  |        ^
  fix: replace it by a blank
`},
		{"UTF-16", "\xff\xfeb\x00e\x00", `
test.bt:1:4: ERROR: unexpected character "\x00" [E0101]
1 | ` + "\ufffd\ufffdb\ufffde\ufffd" + `
  |    ^
  note: the file isn't text in UTF-8
`},
		{"no sign between a variable and its value", "begin { @n[1]   count(); let $s: string[8] \"x\"; print($s); }", `
test.bt:1:14: ERROR: expected ` + "`=`, found `count`" + ` [E0110]
1 | begin { @n[1]   count(); let $s: string[8] "x"; print($s); }
  |              ^
  fix: assign with ` + "`=`" + `
`},
		{"a semicolon alone", "begin { print(1);; }", `
test.bt:1:18: ERROR: expected a statement, found ` + "`;`" + ` [E0111]
1 | begin { print(1);; }
  |                  ^
  fix: leave it out
`},
		{"a predicate without its first slash", "kprobe:f pid == 1/ { }", `
test.bt:1:10: ERROR: expected ` + "`{`, found `pid`" + ` [E0110]
1 | kprobe:f pid == 1/ { }
  |          ^~~
  note: a condition stands between slashes before the block: ` + "`kprobe:f /pid == 1/ { … }`" + `
`},
		{"a block without its first brace", "begin print(1); }", `
test.bt:1:7: ERROR: expected ` + "`{`, found `print`" + ` [E0110]
1 | begin print(1); }
  |       ^~~~~
  note: what a probe does stands in braces: ` + "`begin { … }`" + `
`},
		{"a misspelt keyword", "sturct s { int a; };", `
test.bt:1:8: ERROR: expected ` + "`{`, found `s`" + ` [E0110]
1 | sturct s { int a; };
  |        ^
  fix: did you mean ` + "`struct`" + `?
`},
		{"a constant without a name", "const 1 = 2;", `
test.bt:1:7: ERROR: expected the constant's name, found ` + "`1`" + ` [E0110]
1 | const 1 = 2;
  |       ^
`},
		{"wrong bracket", "begin { print((1]); }", `
test.bt:1:17: ERROR: expected ` + "`)`, found `]`" + ` [E0110]
1 | begin { print((1]); }
  |                 ^
test.bt:1:15: NOTE: to close this ` + "`(`" + `
1 | begin { print((1]); }
  |               ^
`},
		{"a second config block", "config = { }\nconfig = { a = 1 }\n", `
test.bt:2:1: ERROR: second config block [E0123]
2 | config = { a = 1 }
  | ^~~~~~
test.bt:1:1: NOTE: the first is here
1 | config = { }
  | ^~~~~~~~~~~~
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rep := parse(tt.text)
			var out strings.Builder
			if err := diag.WriteText(&out, rep.Sources, rep.All(), false); err != nil {
				t.Fatal(err)
			}
			if got, want := out.String(), strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestDepth: nesting without end is an error, not a crash, and is said once.
func TestDepth(t *testing.T) {
	for _, text := range []string{"(", "{", "1+", "1&&", "1[", "a.b.", "(int *", "(int **", "-", "!", "f(", "@a[", "if 1 {", "if 1 {} else ", "1?", "(a=", "sizeof(", "(typeof(", "(a[", "sizeof(a["} {
		_, rep := parse("begin { " + strings.Repeat(text, 100_000))
		deep := 0
		for _, d := range rep.All() {
			if d.Code == diag.CodeDepth {
				deep++
			}
		}
		if deep == 0 || len(rep.All()) > 2 {
			t.Errorf("%q: %d errors, %d of them for depth", text, len(rep.All()), deep)
		}
	}
}

// expr parses an expression as a script's and dumps it.
func dumpExpr(t *testing.T, text string) string {
	t.Helper()
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	e := ParseExpr(sources.Add("test.bt", text), new(IDs), rep)
	if rep.Failed() {
		return "error: " + rep.All()[0].Msg
	}
	return Dump(e)
}

func TestExpressions(t *testing.T) {
	tests := []struct{ text, want string }{
		// precedence, from the weakest
		{"1 || 2 && 3", "(|| 1 (&& 2 3))"},
		{"1 && 2 | 3", "(&& 1 (| 2 3))"},
		{"1 | 2 ^ 3", "(| 1 (^ 2 3))"},
		{"1 ^ 2 & 3", "(^ 1 (& 2 3))"},
		{"1 & 2 == 3", "(& 1 (== 2 3))"},
		{"1 == 2 < 3", "(== 1 (< 2 3))"},
		{"1 != 2 >= 3", "(!= 1 (>= 2 3))"},
		{"1 < 2 << 3", "(< 1 (<< 2 3))"},
		{"1 >> 2 + 3", "(>> 1 (+ 2 3))"},
		{"1 - 2 * 3", "(- 1 (* 2 3))"},
		{"1 - 2 - 3", "(- (- 1 2) 3)"},
		{"1 / 2 % 3", "(% (/ 1 2) 3)"},
		{"-1 * 2", "(* (unary- 1) 2)"},
		{"-$x.a", "(unary- (. $x a))"},
		{"*$p++", "(unary* (post++ $p))"},
		{"!$x == 1", "(== (unary! $x) 1)"},
		{"~-+1", "error: expected an expression, found `+`"},
		{"- --$x", "(unary- (pre-- $x))"},
		{"$a---$b", "(- (post-- $a) $b)"},
		{"1 ? 2 : 3 ? 4 : 5", "(?: 1 2 (?: 3 4 5))"},
		{"1 ? 2 ? 3 : 4 : 5", "(?: 1 (?: 2 3 4) 5)"},
		{"1 || 2 ? 3 : 4", "(?: (|| 1 2) 3 4)"},
		{"1 ?: 2", "(?: 1 2)"},
		{"comptime $x + 1", "(+ (comptime $x) 1)"},
		{"(1 + 2) * 3", "(* (paren (+ 1 2)) 3)"},
		// postfix
		{"$x.a->b.0[1]", "(index (.0 (-> (. $x a) b)) 1)"},
		{"@a[1, 2][3]", "(index (index @a 1 2) 3)"},
		{"@[f(1)].1.2", "(.2 (.1 (index @ (call f 1))))"},
		{"$x.if.while", "(. (. $x if) while)"},
		// casts and what looks like one
		{"(int8)1 + 2", "(+ (cast (type int8) 1) 2)"},
		{"(int8)-1", "(cast (type int8) (unary- 1))"},
		{"(foo)-1", "(cast (type foo) (unary- 1))"},
		{"(foo)1", "(cast (type foo) 1)"},
		{"(foo) + 1", "(+ (paren foo) 1)"},
		{"(foo) && 1", "(&& (paren foo) 1)"},
		{"(foo) != 1", "(!= (paren foo) 1)"},
		{"(foo)", "(paren foo)"},
		{"(foo * 2)", "(paren (* foo 2))"},
		{"(pid) - 1", "(- (paren pid) 1)"},
		{"(arg0) * 2", "(* (paren arg0) 2)"},
		{"(cpu) - 1", "(- (paren cpu) 1)"},
		{"(cpu *)1", "(cast (type cpu *) 1)"},
		{"(struct a *)1", "(cast (type struct a *) 1)"},
		{"(struct a **)$x.b", "(cast (type struct a * *) (. $x b))"},
		{"((struct a *)$x)->b", "(-> (paren (cast (type struct a *) $x)) b)"},
		{"(int8[4])$x", "(cast (type int8 (dim 4)) $x)"},
		{"(string[4])$x", "(cast (type string (size 4)) $x)"},
		{"(string[4][2])$x", "(cast (type string (size 4) (dim 2)) $x)"},
		{"(int8*[4])$x", "(cast (type int8 * (dim 4)) $x)"},
		{"(int8[4]*)$x", "(cast (type (type int8 (dim 4)) *) $x)"},
		{"(int8*[4]*[2])$x", "(cast (type (type int8 * (dim 4)) * (dim 2)) $x)"},
		{"(typeof($y))$x", "(cast (type (typeof $y)) $x)"},
		{"(typeof(int8 *))$x", "(cast (type (type int8 *)) $x)"},
		{"(int8)++$x", "(cast (type int8) (pre++ $x))"},
		// tuples and records
		{"()", "(tuple)"},
		{"(1,)", "(tuple 1)"},
		{"(1, (2, 3),)", "(tuple 1 (tuple 2 3))"},
		{"(a=1, b=(c=2))", "(record (= a 1) (= b (record (= c 2))))"},
		{"(a==1)", "(paren (== a 1))"},
		// types or expressions
		{"sizeof(int8)", "(sizeof (type int8))"},
		{"sizeof(foo)", "(sizeof foo)"},
		{"sizeof(foo *)", "(sizeof (type foo *))"},
		{"sizeof(foo * 2)", "(sizeof (* foo 2))"},
		{"sizeof(foo[2])", "(sizeof (type foo (dim 2)))"},
		{"sizeof((foo)[2])", "(sizeof (index (paren foo) 2))"},
		{"sizeof(args[2])", "(sizeof (index args 2))"},
		{"offsetof(struct a, b.c)", "(offsetof type=true (type struct a) b c)"},
		{"offsetof(*$p, if)", "(offsetof type=false (unary* $p) if)"},
		{"typeinfo($x).full_type", "(. (typeinfo $x) full_type)"},
		// calls
		{"f", "f"},
		{"f(1, typeof(int8))", "(call f 1 (type (type int8)))"},
		{"f!(1)", "(call! f 1)"},
		{"f != (1)", "(!= f (paren 1))"},
		// blocks
		{"{ $x = 1; $x }", "(block value=true\n  (= $x 1)\n  $x)"},
		{"if 1 { 2 } else if (3) { 4 } else { 5 }",
			"(if 1 (block value=true\n  2) (if 3 (block value=true\n  4) (block value=true\n  5)))"},
		{"1 2", "error: expected end of expression, found `2`"},
	}
	for _, tt := range tests {
		if got := dumpExpr(t, tt.text); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		text     string
		val      uint64
		duration bool
	}{
		{"0", 0, false}, {"1_000", 1000, false}, {"0x1F", 31, false}, {"0Xff_ff", 0xffff, false},
		{"0777", 0o777, false}, {"010u", 8, false}, {"1e6", 1e6, false}, {"9E1_8", 9e18, false},
		{"18446744073709551615", 1<<64 - 1, false}, {"4294967295u", 1<<32 - 1, false},
		{"9223372036854775807ll", 1<<63 - 1, false}, {"1ull", 1, false},
		{"3ns", 3, true}, {"3us", 3e3, true}, {"3ms", 3e6, true}, {"3s", 3e9, true},
		{"3m", 180e9, true}, {"3h", 10800e9, true}, {"3d", 259200e9, true}, {"1e3s", 1e12, true},
	}
	for _, tt := range tests {
		val, duration, err := parseNumber(tt.text)
		if val != tt.val || duration != tt.duration || err != nil {
			t.Errorf("%s = %d, %t, %v", tt.text, val, duration, err)
		}
	}
	for text, want := range map[string]uint64{"1e3": 1000, "5s": 5e9, "": 0, "_5": 0, "s": 0, "-1": 0, "5 ": 0, "5x": 0, "1+1": 0} {
		if val, ok := ParseNumber(text); val != want || ok != (want != 0) {
			t.Errorf("ParseNumber(%q) = %d, %t", text, val, ok)
		}
	}
}

func TestStrings(t *testing.T) {
	tests := []struct{ text, want string }{
		{`""`, ""}, {`"a b"`, "a b"}, {`"\n\t\r\"\\"`, "\n\t\r\"\\"}, {`"\0"`, "\x00"}, {`"\1019"`, "A9"},
		{`"\x309"`, "09"}, {`"\xag"`, "\ng"}, {`"ü"`, "ü"}, {`"\377"`, "\xff"},
	}
	for _, tt := range tests {
		if got, bad := unquote(tt.text); got != tt.want || bad != nil {
			t.Errorf("%s = %q, %v, want %q", tt.text, got, bad, tt.want)
		}
	}
}

func TestTokens(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a _b9 $c @d @ $1 $#", "name:a name:_b9 variable:$c map:@d map:@ parameter:$1 parameter:$#"},
		{"1 0x1f 1e6 5ms", "number:1 number:0x1f number:1e6 number:5ms"},
		{`"a\"b" "c"`, `string:"a\"b" string:"c"`},
		{"0..10", "number:0 ..:.. number:10"},
		{"$t.0.1", "variable:$t .:. number:0 .:. number:1"},
		{"a->b-->c", "name:a ->:-> name:b ++:-- operator:> name:c"},
		{"<<= >>= << >> <= >= < >", "=:<<= =:>>= operator:<< operator:>> operator:<= operator:>= operator:< operator:>"},
		{"a=b==c!=!d", "name:a =:= name:b operator:== name:c operator:!= !:! name:d"},
		{"a//b\n/*c*/d/e", "name:a name:d operator:/ name:e"},
		{"&&&||||", "operator:&& operator:& operator:|| operator:||"},
	}
	for _, tt := range tests {
		var sources diag.Sources
		s := NewScanner(sources.Add("test.bt", tt.text), diag.NewReporter(&sources))
		var got []string
		for tok := s.Next(); tok.Kind != EOF; tok = s.Next() {
			got = append(got, fmt.Sprintf("%s:%s", tok.Kind, tt.text[tok.Start:tok.End]))
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.text, g, tt.want)
		}
	}
}

func TestAttachPoints(t *testing.T) {
	tests := []struct{ text, name, parts string }{
		{"begin", "", "begin"},
		{"interval:s:1", "", "interval|s|1"},
		{"n=kprobe:f+0x10", "n", "kprobe|f+0x10"},
		{"k:f=1", "", "k|f=1"},
		{`uprobe:"/bin/a b":"x::y(\"z\")"+4`, "", `uprobe|"/bin/a b|"x::y("z")+4`},
		{"uprobe:/a.zip!/lib.so:f", "", "uprobe|/a.zip!/lib.so|f"},
		{"uprobe:./a@main.c:12", "", "uprobe|./a@main.c|12"},
		{"uprobe:$1:f$2", "", "uprobe|$1|f$2"},
		{"::k:*[a-z]?:", "", "||k|*[a-z]?|"},
	}
	for _, tt := range tests {
		s, rep := parse(tt.text + "{}")
		if rep.Failed() {
			t.Errorf("%s: %s", tt.text, rep.All()[0].Msg)
			continue
		}
		a := s.Decls[0].(*Probe).Points[0]
		var parts []string
		for _, p := range a.Parts {
			text := p.Text
			if p.Quoted {
				text = `"` + text
			}
			parts = append(parts, text)
		}
		if got := strings.Join(parts, "|"); got != tt.parts || a.Name != tt.name || a.Text != tt.text {
			t.Errorf("%s: name %q, parts %s, text %s", tt.text, a.Name, got, a.Text)
		}
	}
}
