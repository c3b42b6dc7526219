package show

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON writes JSON as it's made, so that a dump of any size takes no memory. The order of
// members is the order of calls. Errors stick and are returned by Close.
type JSON struct {
	w      *bufio.Writer
	pretty bool
	some   []bool // by depth: something has been written
	open   string // the brackets that are open
	named  bool   // a name has been written, its value comes next
	err    error
}

// NewJSON writes to w; pretty puts each member on a line, and elements of arrays side by side,
// as bpftool does.
func NewJSON(w io.Writer, pretty bool) *JSON {
	return &JSON{w: bufio.NewWriterSize(w, 1<<15), pretty: pretty, some: []bool{false}}
}

// Fail writes an error as bpftool does, as a member, an element or all that there is, and closes
// what is open. told is false when the text is complete already.
func (j *JSON) Fail(err error) (told bool) {
	member := strings.HasSuffix(j.open, "{") && !j.named
	if j.open == "" && j.some[0] && !j.named {
		return false
	}
	if !member {
		j.Open("{")
	}
	j.Member("error", err.Error())
	for j.open != "" {
		bracket := "]"
		if strings.HasSuffix(j.open, "{") {
			bracket = "}"
		}
		j.End(bracket)
	}
	return true
}

// Close ends the text with a newline.
func (j *JSON) Close() error {
	if j.some[0] {
		j.text("\n")
	}
	return j.Flush()
}

// EndLine ends a value that stands in a line by itself, and writes what is buffered.
func (j *JSON) EndLine() error {
	j.text("\n")
	j.some[0] = false
	return j.Flush()
}

// Flush writes what is buffered.
func (j *JSON) Flush() error {
	if err := j.w.Flush(); j.err == nil {
		j.err = err
	}
	return j.err
}

// Err is the first error of writing.
func (j *JSON) Err() error { return j.err }

func (j *JSON) text(s string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(s)
	}
}

func (j *JSON) bytes(b []byte) {
	if j.err == nil {
		_, j.err = j.w.Write(b)
	}
}

func (j *JSON) line() {
	if j.pretty {
		j.text("\n" + strings.Repeat("    ", len(j.some)-1))
	}
}

// begin goes where the next name or value starts.
func (j *JSON) begin() {
	if j.named {
		j.named = false
		return
	}
	top := len(j.some) - 1
	if j.some[top] {
		j.text(",")
	}
	j.some[top] = true
}

// Open starts an object "{" or an array "[".
func (j *JSON) Open(bracket string) {
	j.begin()
	j.text(bracket)
	j.some = append(j.some, false)
	j.open += bracket
}

// End ends what Open started: "}" or "]".
func (j *JSON) End(bracket string) {
	top := len(j.some) - 1
	some := j.some[top]
	j.some, j.open = j.some[:top], j.open[:top-1]
	if some {
		j.line()
	}
	j.text(bracket)
}

// Name writes a member's name.
func (j *JSON) Name(name string) {
	j.begin()
	j.line()
	j.quote(name)
	j.text(":")
	if j.pretty {
		j.text(" ")
	}
	j.named = true
}

// Raw writes a value as it is.
func (j *JSON) Raw(v string) { j.begin(); j.text(v) }

// Text writes a string; bytes that aren't UTF-8 become U+FFFD.
func (j *JSON) Text(v string) {
	j.begin()
	j.quote(v)
}

// Uint writes a number.
func (j *JSON) Uint(v uint64) {
	j.begin()
	j.bytes(strconv.AppendUint(j.w.AvailableBuffer(), v, 10))
}

func (j *JSON) int(v int64) {
	j.begin()
	j.bytes(strconv.AppendInt(j.w.AvailableBuffer(), v, 10))
}

// Member writes a name and a value: a string, a number, a bool, nil, or a slice of ids.
func (j *JSON) Member(name string, v any) {
	j.Name(name)
	switch v := v.(type) {
	case string:
		j.Text(v)
	case []uint32:
		j.Open("[")
		for _, id := range v {
			j.Uint(uint64(id))
		}
		j.End("]")
	case []string:
		j.Open("[")
		for _, s := range v {
			j.Text(s)
		}
		j.End("]")
	case nil:
		j.Raw("null")
	case uint32:
		j.Uint(uint64(v))
	case uint64:
		j.Uint(v)
	case int:
		j.int(int64(v))
	case int64:
		j.int(v)
	case bool:
		j.Raw(strconv.FormatBool(v))
	default:
		j.Raw(fmt.Sprint(v))
	}
}

// Numbers writes a name and bytes as numbers.
func (j *JSON) Numbers(name string, data []byte) {
	j.Name(name)
	j.Open("[")
	for _, c := range data {
		j.Uint(uint64(c))
	}
	j.End("]")
}

func (j *JSON) quote(s string) {
	if plainJSON(s) {
		j.bytes(append(append(append(j.w.AvailableBuffer(), '"'), s...), '"'))
		return
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		j.text(`""`)
		return
	}
	j.text(strings.TrimSuffix(b.String(), "\n"))
}

// plainJSON reports whether a string stands in JSON as it is.
func plainJSON(s string) bool {
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(s)
}
