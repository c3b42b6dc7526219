package cli

import (
	"fmt"
	"strings"
)

// longOption is an option of getopt_long(3).
type longOption struct {
	name  string
	value bool // it takes one
	short byte // the same option as a letter, or 0
}

// optionSet are the options of a command line in the manner of glibc's getopt_long, which
// pflag can't do: unique beginnings of long names count, and options may stand behind
// other arguments, up to a --.
type optionSet struct {
	letters string // as getopt(3) has them: a colon follows those with a value
	long    []longOption
}

// option is one that was found: by its long name, or else the letter.
type option struct{ name, value string }

// parse divides args into options and the rest. The error is worded as glibc's.
func (s *optionSet) parse(args []string) (opts []option, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var o []option
		switch {
		case arg == "--":
			return opts, append(rest, args...), nil
		case strings.HasPrefix(arg, "--"):
			o, args, err = s.parseLong(arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			o, args, err = s.parseShort(arg[1:], args)
		default:
			rest = append(rest, arg)
		}
		if err != nil {
			return opts, rest, err
		}
		opts = append(opts, o...)
	}
	return opts, rest, nil
}

func (s *optionSet) parseLong(text string, args []string) ([]option, []string, error) {
	name, value, given := strings.Cut(text, "=")
	l, err := s.find(name)
	switch {
	case err != nil:
		return nil, args, err
	case given && !l.value:
		return nil, args, fmt.Errorf("option '--%s' doesn't allow an argument", l.name)
	case l.value && !given && len(args) == 0:
		return nil, args, fmt.Errorf("option '--%s' requires an argument", l.name)
	case l.value && !given:
		value, args = args[0], args[1:]
	}
	return []option{{l.name, value}}, args, nil
}

// find is the option with the name, or the only one that begins with it.
func (s *optionSet) find(name string) (*longOption, error) {
	var found []*longOption
	for i := range s.long {
		l := &s.long[i]
		if l.name == name {
			return l, nil
		}
		if strings.HasPrefix(l.name, name) {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("unrecognized option '--%s'", name)
	case 1:
		return found[0], nil
	}
	msg := fmt.Sprintf("option '--%s' is ambiguous; possibilities:", name)
	for _, l := range found {
		msg += " '--" + l.name + "'"
	}
	return nil, fmt.Errorf("%s", msg)
}

// parseShort reads a cluster of letters; a value is the rest of it, or the next argument.
func (s *optionSet) parseShort(cluster string, args []string) (opts []option, rest []string, err error) {
	for i := range len(cluster) {
		c := cluster[i]
		at := strings.IndexByte(s.letters, c)
		if at < 0 || c == ':' {
			return opts, args, fmt.Errorf("invalid option -- '%c'", c)
		}
		if at+1 == len(s.letters) || s.letters[at+1] != ':' {
			opts = append(opts, option{s.longName(c), ""})
			continue
		}
		value := cluster[i+1:]
		if value == "" {
			if len(args) == 0 {
				return opts, args, fmt.Errorf("option requires an argument -- '%c'", c)
			}
			value, args = args[0], args[1:]
		}
		return append(opts, option{s.longName(c), value}), args, nil
	}
	return opts, args, nil
}

func (s *optionSet) longName(letter byte) string {
	for _, l := range s.long {
		if l.short == letter {
			return l.name
		}
	}
	return string(letter)
}
