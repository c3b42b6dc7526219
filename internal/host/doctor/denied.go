package doctor

import (
	"errors"
	"os"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Denied says what forbids BPF to this process.
func Denied() string {
	if b, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil && strings.Contains(string(b), "[confidentiality]") {
		return "the kernel is locked down (confidentiality mode forbids BPF tracing)"
	}
	if sys.InUserNamespace() {
		return deniedToken()
	}
	if missing := MissingCaps(); len(missing) > 0 {
		return "this process lacks " + strings.Join(missing, ", ") + ": run as root, or give the binary these capabilities"
	}
	return "the kernel forbids it although the capabilities are there: a security module, a container's seccomp filter, or a kernel built without it"
}

// deniedToken says what forbids BPF to a process of a user namespace.
func deniedToken() string {
	_, err := sys.Token()
	switch {
	case err == nil:
		return "the BPF token of " + sys.TokenPath() + " doesn't allow this: its bpffs wasn't given the command, the map, program or attach type, or the kernel never allows it to a user namespace"
	case errors.Is(err, sys.ErrNoToken):
		return "BPF in a user namespace takes a token, and " + sys.TokenPathVar + " says to take none"
	}
	return "BPF in a user namespace takes a token: " + err.Error() + "; mount a bpffs with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs, and name it by " + sys.TokenPathVar
}

// tracingCaps are the capabilities that tracing needs.
var tracingCaps = []struct {
	cap  sys.Cap
	name string
}{{sys.CapBPF, "CAP_BPF"}, {sys.CapPerfmon, "CAP_PERFMON"}}

// MissingCaps names what this process lacks; CAP_SYS_ADMIN stands for all.
func MissingCaps() []string {
	caps, err := sys.EffectiveCaps()
	if err != nil || caps.Has(sys.CapSysAdmin) {
		return nil
	}
	var missing []string
	for _, c := range tracingCaps {
		if !caps.Has(c.cap) {
			missing = append(missing, c.name)
		}
	}
	return missing
}
