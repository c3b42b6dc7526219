package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect/show"
)

// bpftoolOptions are those of bpftool 7.8. They may stand anywhere.
var bpftoolOptions = optionSet{
	letters: "VhpjfLmndSi:k:B:",
	long: []longOption{
		{"json", false, 'j'}, {"help", false, 'h'}, {"pretty", false, 'p'}, {"version", false, 'V'}, {"bpffs", false, 'f'},
		{"mapcompat", false, 'm'}, {"nomount", false, 'n'}, {"debug", false, 'd'}, {"use-loader", false, 'L'},
		{"sign", false, 'S'}, {"base-btf", true, 'B'},
	},
}

// bpftoolObjects are bpftool's first words in its order: of those with a beginning the first
// counts, `p` is prog.
var bpftoolObjects = []string{
	"help", "batch", "prog", "map", "link", "cgroup", "perf", "net", "feature", "btf", "gen", "struct_ops", "iter", "token", "version",
}

const bpftoolHelp = `bpftool (skep): BPF objects, looked at and changed

usage: bpftool [OPTIONS] OBJECT { COMMAND | help }
       bpftool [OPTIONS] batch file FILE      (- for standard input)
       bpftool version

OBJECT:  prog | map | link | cgroup | perf | net | feature | btf | gen | struct_ops | iter | token
OPTIONS: -j --json, -p --pretty, -f --bpffs, -d --debug, -B --base-btf FILE,
         -m --mapcompat, -n --nomount, -h --help, -V --version
Words may be cut short: bpftool -p m d name counts
`

// bpftoolFailed is bpftool's status for all that goes wrong.
const bpftoolFailed = 255

// bpftoolCommand is `skep bpftool …`.
func (a *app) bpftoolCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bpftool", Short: "Take bpftool's own flags", DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return exit(a.bpftool(args)) },
	}
}

// bpftoolCall is one call with bpftool's flags.
type bpftoolCall struct {
	*app
	flags        []string // as skep's objects take them
	json, pretty bool
}

// bpftool runs a command line of bpftool: its options before or behind the words, its
// abbreviations, its exit status.
func (a *app) bpftool(args []string) int {
	opts, words, err := bpftoolOptions.parse(args)
	c := &bpftoolCall{app: a}
	version := false
	for _, o := range opts {
		switch o.name {
		case "help":
			words = []string{"help"}
		case "version":
			version = true
		case "sign", "k", "i":
			err = errors.Join(err, errors.New("programs aren't signed: -S, -k and -i aren't supported"))
		case "base-btf":
			c.flags = append(c.flags, "--base-btf", o.value)
		default:
			c.json = c.json || o.name == "json" || o.name == "pretty"
			c.pretty = c.pretty || o.name == "pretty"
			c.flags = append(c.flags, "--"+o.name)
		}
	}
	switch {
	case err != nil:
	case version:
		err = c.version()
	default:
		err = c.do(words)
	}
	return c.status(err)
}

// status says what went wrong and is the exit status.
func (c *bpftoolCall) status(err error) int {
	var status exitStatus
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status) && int(status) == exitPipe:
		return exitPipe
	case errors.As(err, &status), errors.As(err, new(toldError)):
	case c.json && !errors.As(err, new(lateError)):
		j := show.NewJSON(c.out, c.pretty)
		j.Open("{")
		j.Member("error", err.Error())
		j.End("}")
		if err := j.Close(); err != nil {
			fmt.Fprintf(c.err, "Error: %v\n", err)
		}
	default:
		fmt.Fprintf(c.err, "Error: %v\n", err)
	}
	return bpftoolFailed
}

// do runs words.
func (c *bpftoolCall) do(words []string) error {
	if len(words) == 0 {
		words = []string{"help"}
	}
	for _, object := range bpftoolObjects {
		if !isWord(words[0], object) {
			continue
		}
		switch object {
		case "help":
			_, err := fmt.Fprint(c.out, bpftoolHelp)
			return err
		case "batch":
			return c.batch(words[1:])
		case "version":
			return c.version()
		}
		root := c.root(object)
		root.SetArgs(append(append([]string{object}, words[1:]...), c.flags...))
		return root.Execute()
	}
	return usagef("there is no object %q%s\n%s", words[0], didYouMean(words[0], bpftoolObjects), bpftoolHelp)
}

// version tells which bpftool's words and libbpf's objects are taken.
func (c *bpftoolCall) version() error {
	if !c.json {
		_, err := fmt.Fprintf(c.out, "bpftool v%s\nusing libbpf v%s's forms (skep %s%s)\nfeatures:\n", bpftoolVersion, libbpfVersion, Version, revision())
		return err
	}
	j := show.NewJSON(c.out, c.pretty)
	j.Open("{")
	j.Member("version", bpftoolVersion)
	j.Member("libbpf_version", libbpfVersion)
	j.Name("features")
	j.Open("{")
	for _, name := range []string{"libbfd", "llvm", "crypto", "skeletons", "bootstrap"} {
		j.Member(name, false)
	}
	j.End("}")
	j.Member("skep", Version+revision())
	j.End("}")
	return j.Close()
}

// batch runs the lines of a file up to the first that fails.
func (c *bpftoolCall) batch(words []string) error {
	if len(words) != 2 || !isWord(words[0], "file") {
		return usagef("batch takes: file FILE, - for standard input")
	}
	in := c.in
	if words[1] != "-" {
		f, err := os.Open(words[1])
		if err != nil {
			return fmt.Errorf("read commands: %w", err)
		}
		defer f.Close()
		in = f
	}
	var j *show.JSON
	if c.json {
		j = show.NewJSON(c.out, c.pretty)
		j.Open("[")
	}
	n := 0
	err := eachBatchLine(in, func(words []string) error {
		n++
		if j == nil {
			return c.do(words)
		}
		return c.batchJSON(j, words)
	})
	if j != nil {
		j.End("]")
		return errors.Join(err, j.Close())
	}
	if err != nil {
		return fmt.Errorf("command %d: %w", n, err)
	}
	_, err = fmt.Fprintf(c.out, "processed %d commands\n", n)
	return err
}

// batchJSON runs a command of a batch, whose JSON stands in an object with its words.
func (c *bpftoolCall) batchJSON(j *show.JSON, words []string) error {
	var out bytes.Buffer
	one := *c
	one.app = &app{in: c.in, out: &out, err: c.err, run: c.run}
	err := one.do(words)
	text := strings.TrimSpace(out.String())
	if !json.Valid([]byte(text)) {
		text = "null"
	}
	j.Open("{")
	j.Member("command", words)
	j.Name("output")
	j.Raw(strings.ReplaceAll(text, "\n", "\n        ")) // two levels deep, where it's indented
	j.End("}")
	return err
}

// eachBatchLine calls f with the words of each command in a file: # begins a comment, a line that
// ends in \ goes on in the next, and quotes hold words together.
func eachBatchLine(in io.Reader, f func(words []string) error) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	command := ""
	for number := 1; s.Scan(); number++ {
		line, comment := s.Text(), false
		line, _, comment = strings.Cut(line, "#")
		if before, goesOn := strings.CutSuffix(line, `\`); goesOn && !comment {
			command += before
			continue
		}
		words, err := batchWords(command + line)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		command = ""
		if len(words) == 0 {
			continue
		}
		if err := f(words); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read commands: %w", err)
	}
	if command != "" {
		return usagef("the last line ends in \\, and nothing follows")
	}
	return nil
}

// batchWords are a line's words; one that begins with a quote ends at the next such quote.
func batchWords(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " \t\r") {
		word, rest := "", ""
		if quote := line[:1]; strings.Contains(`'"`, quote) {
			ok := false
			if word, rest, ok = strings.Cut(line[1:], quote); !ok {
				return nil, usagef("a quote isn't closed: %s", line)
			}
		} else if end := strings.IndexAny(line, " \t\r"); end >= 0 {
			word, rest = line[:end], line[end:]
		} else {
			word = line
		}
		words, line = append(words, word), rest
	}
	return words, nil
}
