package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// counterpart is one of bpftool's commands (7.8) and what skep has for it.
type counterpart struct {
	theirs string // "map event_pipe"
	why    string // not "": skep has none, for this reason
	note   string // what differs
	ours   string // not "": skep's words for it, where they are others
}

// bpftoolCommands are all of bpftool's commands. A test checks that what skep is said to
// have is there, that what it has is said, and that docs/inspect.md agrees.
var bpftoolCommands = []counterpart{
	{theirs: "prog show", note: "names in full; holders too where bpftool was built without them"},
	{theirs: "prog dump xlated", note: "names of maps too; `visual` is DOT, `svg` a picture; options as words or as flags"},
	{theirs: "prog dump jited", note: "x86-64 and arm64 are disassembled without a library; targets of calls by name; `visual` and `svg` here, too"},
	{theirs: "prog pin", note: "mounts nothing"},
	{theirs: "prog load", note: "mounts nothing; an attachment that the kernel refuses is an error; not `-L`"},
	{theirs: "prog loadall", note: "the same"},
	{theirs: "prog attach"},
	{theirs: "prog detach"},
	{theirs: "prog run"},
	{theirs: "prog profile", why: "counters of the CPU around a program's runs aren't there yet; run counts and times are in `prog show`"},
	{theirs: "prog tracelog"},
	{theirs: "map show"},
	{theirs: "map create"},
	{theirs: "map dump", note: "as the elements are read; ends when the reader goes"},
	{theirs: "map update", note: "`key hex 0a000000` is taken too"},
	{theirs: "map lookup"},
	{theirs: "map getnext"},
	{theirs: "map delete"},
	{theirs: "map pin"},
	{theirs: "map event_pipe", note: "tells which processes had the events"},
	{theirs: "map peek"},
	{theirs: "map push"},
	{theirs: "map pop"},
	{theirs: "map enqueue"},
	{theirs: "map dequeue"},
	{theirs: "map freeze"},
	{theirs: "link show"},
	{theirs: "link pin"},
	{theirs: "link detach"},
	{theirs: "cgroup show"},
	{theirs: "cgroup tree"},
	{theirs: "cgroup attach"},
	{theirs: "cgroup detach"},
	{theirs: "perf show", note: "perf events that only links hold too, from Linux 6.6 on"},
	{theirs: "net show"},
	{theirs: "net attach"},
	{theirs: "net detach"},
	{theirs: "feature probe", note: "of the kernel, not of a device"},
	{theirs: "feature list_builtins"},
	{theirs: "btf show"},
	{theirs: "btf dump", note: "one file; the header's types stand in the order that they need"},
	{theirs: "struct_ops show"},
	{theirs: "struct_ops dump"},
	{theirs: "struct_ops register", note: "all or none"},
	{theirs: "struct_ops unregister"},
	{theirs: "gen object", note: "errors name both objects; types of symbols that lost are gone"},
	{theirs: "gen skeleton", why: "a skeleton is C that loads an object through libbpf; skep neither needs C nor makes it"},
	{theirs: "gen subskeleton", why: "as gen skeleton"},
	{theirs: "gen min_core_btf", note: "an object without relocations, or without types, is no error"},
	{theirs: "iter pin", note: "`iter:task:NAME` in a script pins an iterator, too"},
	{theirs: "token show"},
	{theirs: "batch", ours: "bpftool batch", note: "tells which command failed"},
}

// lackingVerbs are the commands of an object's verbs that skep hasn't got: they say why.
func (a *app) lackingVerbs(object string) (verbs []*cobra.Command) {
	for _, c := range bpftoolCommands {
		obj, name, ok := strings.Cut(c.theirs, " ")
		if !ok || obj != object || c.why == "" {
			continue
		}
		verbs = append(verbs, a.command(&cobra.Command{
			Use: name, Short: "Not supported: " + c.why, Hidden: true, Args: cobra.ArbitraryArgs, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return fmt.Errorf("%s isn't supported: %s", c.theirs, c.reason())
			},
		}))
	}
	return verbs
}

// reason is why, looked up where it refers to another command.
func (c counterpart) reason() string {
	for _, o := range bpftoolCommands {
		if c.why == "as "+o.theirs || strings.HasPrefix(c.why, "as "+o.theirs+";") {
			return o.why + strings.TrimPrefix(c.why, "as "+o.theirs)
		}
	}
	return c.why
}
