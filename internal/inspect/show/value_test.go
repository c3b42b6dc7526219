package show

import (
	"errors"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	write := func(pretty bool) string {
		var b strings.Builder
		j := NewJSON(&b, pretty)
		j.Open("[")
		j.Open("{")
		j.Member("id", uint32(7))
		j.Member("name", "a\"b\n<é>\x7f")
		j.Member("maps", []uint32{1, 2})
		j.Member("none", nil)
		j.Name("empty")
		j.Open("{")
		j.End("}")
		j.End("}")
		j.End("]")
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got, want := write(false), "[{\"id\":7,\"name\":\"a\\\"b\\n<é>\x7f\",\"maps\":[1,2],\"none\":null,\"empty\":{}}]\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	// As bpftool's: elements stand side by side, the bracket behind them on a line of its own.
	if got, want := write(true), `[{
        "id": 7,
        "name": "a\"b\n<é>`+"\x7f"+`",
        "maps": [1,2
        ],
        "none": null,
        "empty": {}
    }
]
`; got != want {
		t.Errorf("pretty:\n%s\nwant\n%s", got, want)
	}
}

// TestJSONFail: wherever an error comes, the text is JSON and tells it.
func TestJSONFail(t *testing.T) {
	for want, write := range map[string]func(j *JSON){
		`{"error":"no"}`:            func(*JSON) {},
		`[{"error":"no"}]`:          func(j *JSON) { j.Open("[") },
		`[1,{"error":"no"}]`:        func(j *JSON) { j.Open("["); j.Uint(1) },
		`{"error":"no"} `:           func(j *JSON) { j.Open("{") },
		`[{"id":1,"error":"no"}]`:   func(j *JSON) { j.Open("["); j.Open("{"); j.Member("id", uint32(1)) },
		`{"maps":{"error":"no"}}`:   func(j *JSON) { j.Open("{"); j.Name("maps") },
		`{"maps":[{"error":"no"}]}`: func(j *JSON) { j.Open("{"); j.Name("maps"); j.Open("[") },
		`{"maps":[],"error":"no"}`:  func(j *JSON) { j.Open("{"); j.Name("maps"); j.Open("["); j.End("]") },
		`{"a":{"b":[2,{"error":"no"}]}}`: func(j *JSON) {
			j.Open("{")
			j.Name("a")
			j.Open("{")
			j.Name("b")
			j.Open("[")
			j.Uint(2)
		},
	} {
		var b strings.Builder
		j := NewJSON(&b, false)
		write(j)
		told := j.Fail(errors.New("no"))
		if err := j.Close(); err != nil || !told || b.String() != strings.TrimSpace(want)+"\n" {
			t.Errorf("%q, told %v, %v, want %q", b.String(), told, err, want)
		}
	}
	var b strings.Builder
	j := NewJSON(&b, false)
	j.Uint(1)
	if j.Fail(errors.New("no")) {
		t.Error("told behind a value that's complete")
	}
}

func TestHexBytes(t *testing.T) {
	b := make([]byte, 18)
	for i := range b {
		b[i] = byte(i)
	}
	if got, want := hexBytes(b), "00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n10 11"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := hexBytes(nil); got != "" {
		t.Errorf("%q", got)
	}
}
