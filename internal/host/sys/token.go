package sys

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A BPF token (Linux 6.9) lends what the administrator delegated to a user namespace: by the
// options delegate_cmds, delegate_maps, delegate_progs and delegate_attachs of a bpffs that
// is mounted in there. Calls that the kernel forbids are tried again with the token, so
// that elsewhere nobody pays for it.

const (
	bpfTokenCreate = 36      // enum bpf_cmd
	bpfTokenFD     = 1 << 16 // BPF_F_TOKEN_FD
)

// TokenPathVar is the environment variable, known from libbpf, that names the bpffs to take the token from; set but
// empty it forbids to take one.
const TokenPathVar = "LIBBPF_BPF_TOKEN_PATH"

// TokenPath is the bpffs that a token would be taken from; "": none is to be taken.
func TokenPath() string {
	if path, ok := os.LookupEnv(TokenPathVar); ok {
		return path
	}
	return "/sys/fs/bpf"
}

// initUserNS is the first user namespace's link (PROC_USER_INIT_INO, include/linux/proc_ns.h).
const initUserNS = "user:[4026531837]"

// InUserNamespace reports whether this process's capabilities hold in a user namespace only,
// and not for the whole machine. Without /proc it's false. It's looked up once: a process stays in the
// namespace that it began in.
var InUserNamespace = sync.OnceValue(func() bool {
	link, err := os.Readlink("/proc/self/ns/user")
	return err == nil && link != initUserNS
})

// ErrNoToken is Token's error where none is needed or none is to be taken.
var ErrNoToken = errors.New("no BPF token is taken here")

// Token is this process's BPF token, taken once and held until the process ends.
var Token = sync.OnceValues(func() (fd int, err error) {
	path := TokenPath()
	if path == "" || !InUserNamespace() {
		return -1, ErrNoToken
	}
	dir, err := unix.Open(path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("take the BPF token of %s: %w", path, err)
	}
	defer Close(dir)
	a := struct{ flags, bpffs uint32 }{bpffs: uint32(dir)}
	fd, err = bpf(bpfTokenCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	switch err {
	case nil:
		return fd, nil
	case unix.ENOENT:
		err = errors.New("nothing is delegated there")
	case unix.EINVAL:
		err = errors.New("it isn't the root of a bpffs, or the kernel is older than 6.9")
	}
	return -1, fmt.Errorf("take the BPF token of %s: %w", path, err)
})

// withToken does a call that may be forbidden without the token: do gets its descriptor, or 0.
func withToken(do func(token int32) (int, error)) (int, error) {
	fd, err := do(0)
	if err != unix.EPERM {
		return fd, err
	}
	token, tokenErr := Token()
	if tokenErr != nil {
		return fd, err
	}
	return do(int32(token))
}
