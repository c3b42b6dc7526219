package cdecl

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// constant is a macro of the kernel's headers that BTF can't tell of.
type constant struct{ name, text string }

// constantGroup is what some headers define, themselves or through what they include.
// The headers of a group are those that scripts include for it.
type constantGroup struct {
	headers   []string
	constants []constant
}

// constantsOf lists the constants that a header brings, for the architecture. Of two
// with one name the first counts.
func constantsOf(header string, opt *Options) []constant {
	arch := opt.Arch
	var out []constant
	if arch == "arm64" && slices.Contains(fcntlHeaders, header) {
		out = append(out, arm64Fcntl...)
	}
	if slices.Contains(syscallHeaders, header) {
		out = append(out, syscallNumbers(arch)...)
	}
	for _, g := range constantGroups {
		if slices.Contains(g.headers, header) {
			out = append(out, g.constants...)
		}
	}
	return out
}

// headerText is what stands for a header of the kernel where its macros are for #if. What
// its macros are to the script doesn't stand there: the C library declares some of the same
// names otherwise.
func headerText(header string, opt *Options) string {
	switch header {
	case "asm/byteorder.h", "linux/byteorder/little_endian.h":
		return "#define __LITTLE_ENDIAN 1234\n#define __LITTLE_ENDIAN_BITFIELD\n"
	case "linux/version.h":
		return versionText(opt.Release)
	}
	return ""
}

// versionText is what the kernel's build writes into linux/version.h.
func versionText(release string) string {
	text := "#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))\n"
	var v [3]int
	if n, _ := fmt.Sscanf(release, "%d.%d.%d", &v[0], &v[1], &v[2]); n < 2 {
		return text
	}
	return text + fmt.Sprintf("#define LINUX_VERSION_CODE %d\n#define LINUX_VERSION_MAJOR %d\n"+
		"#define LINUX_VERSION_PATCHLEVEL %d\n#define LINUX_VERSION_SUBLEVEL %d\n",
		v[0]<<16+v[1]<<8+min(v[2], 255), v[0], v[1], v[2])
}

// syscallHeaders define what stands in the kernel's asm/unistd.h.
var syscallHeaders = []string{"syscall.h", "sys/syscall.h", "asm/unistd.h", "linux/unistd.h", "unistd.h"}

// syscallNumbers are the numbers of the system calls, under their two names.
func syscallNumbers(arch string) []constant {
	var out []constant
	for n, call := range types.Syscalls(arch) {
		if call != "" {
			text := strconv.Itoa(n)
			out = append(out, constant{"__NR_" + call, text}, constant{"SYS_" + call, text})
		}
	}
	return out
}

// socketHeaders define what stands in include/linux/socket.h; include/uapi/asm-generic/socket.h.
var socketHeaders = []string{
	"linux/socket.h", "sys/socket.h", "linux/net.h", "net/sock.h", "net/inet_sock.h", "net/tcp.h",
	"linux/tcp.h", "linux/in.h", "linux/in6.h", "netinet/in.h", "linux/skbuff.h", "linux/inet.h",
	"linux/netdevice.h", "linux/un.h", "net/af_unix.h", "linux/ip.h", "linux/ipv6.h", "net/ip.h",
	"net/ipv6.h", "linux/udp.h", "net/udp.h",
}

// fcntlHeaders define what stands in include/uapi/asm-generic/fcntl.h, arch/x86.
var fcntlHeaders = []string{
	"linux/fcntl.h", "asm/fcntl.h", "asm-generic/fcntl.h", "uapi/linux/fcntl.h",
	"uapi/asm-generic/fcntl.h", "fcntl.h", "linux/fs.h",
}

// statHeaders define what stands in include/uapi/linux/stat.h.
var statHeaders = []string{
	"linux/stat.h", "sys/stat.h", "uapi/linux/stat.h", "linux/fs.h",
}

// schedHeaders define what stands in include/uapi/linux/sched.h.
var schedHeaders = []string{
	"linux/sched.h", "sched.h", "uapi/linux/sched.h", "linux/sched/task.h",
}

// signalHeaders define what stands in arch/x86/include/uapi/asm/signal.h.
var signalHeaders = []string{
	"linux/signal.h", "signal.h", "asm/signal.h", "uapi/asm/signal.h", "linux/sched/signal.h",
	"linux/sched.h",
}

// errnoHeaders define what stands in include/uapi/asm-generic/errno-base.h, errno.h.
var errnoHeaders = []string{
	"linux/errno.h", "errno.h", "asm/errno.h", "asm-generic/errno.h", "asm-generic/errno-base.h",
	"uapi/asm-generic/errno.h", "uapi/asm-generic/errno-base.h", "uapi/linux/errno.h", "linux/err.h",
	"linux/fs.h", "linux/sched.h", "linux/in.h", "linux/in6.h", "linux/socket.h", "linux/net.h", "net/sock.h",
	"linux/skbuff.h", "linux/tcp.h", "linux/udp.h", "net/tcp.h",
}

// direntHeaders bring the file types of directory entries: include/linux/fs_types.h.
var direntHeaders = []string{"linux/fs.h", "linux/fs_types.h", "linux/dirent.h", "dirent.h"}

// icmpHeaders define the types of ICMP messages: include/uapi/linux/icmp.h and icmpv6.h, each of
// which those of IPv6 come along with.
var icmpHeaders = []string{
	"linux/icmp.h", "linux/icmpv6.h", "linux/ip.h", "linux/ipv6.h", "net/icmp.h", "uapi/linux/icmp.h", "uapi/linux/icmpv6.h",
}

// arm64Fcntl are the flags that differ there: arch/arm64/include/uapi/asm/fcntl.h.
var arm64Fcntl = []constant{
	{"O_DIRECTORY", "040000"}, {"O_NOFOLLOW", "0100000"}, {"O_DIRECT", "0200000"}, {"O_LARGEFILE", "0400000"},
	{"O_TMPFILE", "020040000"},
}

var constantGroups = []constantGroup{
	{socketHeaders, []constant{
		{"AF_UNSPEC", "0"}, {"AF_UNIX", "1"}, {"AF_LOCAL", "1"}, {"AF_INET", "2"}, {"AF_INET6", "10"},
		{"AF_NETLINK", "16"}, {"AF_PACKET", "17"}, {"AF_ALG", "38"}, {"AF_VSOCK", "40"}, {"AF_XDP", "44"},
		{"PF_UNSPEC", "0"}, {"PF_UNIX", "1"}, {"PF_INET", "2"}, {"PF_INET6", "10"}, {"PF_NETLINK", "16"},
		{"PF_PACKET", "17"}, {"MSG_OOB", "1"}, {"MSG_PEEK", "2"}, {"MSG_DONTROUTE", "4"}, {"MSG_TRUNC", "32"},
		{"MSG_DONTWAIT", "64"}, {"MSG_WAITALL", "256"}, {"MSG_NOSIGNAL", "16384"}, {"MSG_MORE", "32768"},
		{"MSG_ZEROCOPY", "67108864"}, {"MSG_FASTOPEN", "536870912"}, {"SOL_SOCKET", "1"}, {"SOL_IP", "0"},
		{"SOL_TCP", "6"}, {"SOL_UDP", "17"}, {"SOL_IPV6", "41"},
	}},
	{fcntlHeaders, []constant{
		{"O_ACCMODE", "3"}, {"O_RDONLY", "0"}, {"O_WRONLY", "1"}, {"O_RDWR", "2"}, {"O_CREAT", "0100"},
		{"O_EXCL", "0200"}, {"O_NOCTTY", "0400"}, {"O_TRUNC", "01000"}, {"O_APPEND", "02000"},
		{"O_NONBLOCK", "04000"}, {"O_DSYNC", "010000"}, {"O_DIRECT", "040000"}, {"O_LARGEFILE", "0100000"},
		{"O_DIRECTORY", "0200000"}, {"O_NOFOLLOW", "0400000"}, {"O_NOATIME", "01000000"},
		{"O_CLOEXEC", "02000000"}, {"O_SYNC", "04010000"}, {"O_PATH", "010000000"}, {"O_TMPFILE", "020200000"},
		{"AT_FDCWD", "-100"}, {"AT_SYMLINK_NOFOLLOW", "0x100"}, {"AT_REMOVEDIR", "0x200"},
		{"AT_EMPTY_PATH", "0x1000"}, {"F_DUPFD", "0"}, {"F_GETFD", "1"}, {"F_SETFD", "2"}, {"F_GETFL", "3"},
		{"F_SETFL", "4"}, {"F_GETLK", "5"}, {"F_SETLK", "6"}, {"F_SETLKW", "7"},
	}},
	{direntHeaders, []constant{
		{"DT_UNKNOWN", "0"}, {"DT_FIFO", "1"}, {"DT_CHR", "2"}, {"DT_DIR", "4"}, {"DT_BLK", "6"}, {"DT_REG", "8"},
		{"DT_LNK", "10"}, {"DT_SOCK", "12"}, {"DT_WHT", "14"},
	}},
	{icmpHeaders, []constant{
		{"ICMP_ECHOREPLY", "0"}, {"ICMP_DEST_UNREACH", "3"}, {"ICMP_SOURCE_QUENCH", "4"}, {"ICMP_REDIRECT", "5"},
		{"ICMP_ECHO", "8"}, {"ICMP_TIME_EXCEEDED", "11"}, {"ICMP_PARAMETERPROB", "12"}, {"ICMP_TIMESTAMP", "13"},
		{"ICMP_TIMESTAMPREPLY", "14"}, {"ICMPV6_DEST_UNREACH", "1"}, {"ICMPV6_PKT_TOOBIG", "2"}, {"ICMPV6_TIME_EXCEED", "3"},
		{"ICMPV6_PARAMPROB", "4"}, {"ICMPV6_ECHO_REQUEST", "128"}, {"ICMPV6_ECHO_REPLY", "129"},
	}},
	{statHeaders, []constant{
		{"S_IFMT", "0170000"}, {"S_IFSOCK", "0140000"}, {"S_IFLNK", "0120000"}, {"S_IFREG", "0100000"},
		{"S_IFBLK", "060000"}, {"S_IFDIR", "040000"}, {"S_IFCHR", "020000"}, {"S_IFIFO", "010000"},
		{"S_ISUID", "04000"}, {"S_ISGID", "02000"}, {"S_ISVTX", "01000"}, {"S_IRWXU", "0700"}, {"S_IRUSR", "0400"},
		{"S_IWUSR", "0200"}, {"S_IXUSR", "0100"}, {"S_IRWXG", "070"}, {"S_IRGRP", "040"}, {"S_IWGRP", "020"},
		{"S_IXGRP", "010"}, {"S_IRWXO", "7"}, {"S_IROTH", "4"}, {"S_IWOTH", "2"}, {"S_IXOTH", "1"},
	}},
	{schedHeaders, []constant{
		{"TASK_COMM_LEN", "16"}, {"TASK_RUNNING", "0"}, {"TASK_INTERRUPTIBLE", "1"}, {"TASK_UNINTERRUPTIBLE", "2"},
		{"CLONE_VM", "0x100"}, {"CLONE_FS", "0x200"}, {"CLONE_FILES", "0x400"}, {"CLONE_SIGHAND", "0x800"},
		{"CLONE_PIDFD", "0x1000"}, {"CLONE_PTRACE", "0x2000"}, {"CLONE_VFORK", "0x4000"},
		{"CLONE_PARENT", "0x8000"}, {"CLONE_THREAD", "0x10000"}, {"CLONE_NEWNS", "0x20000"},
		{"CLONE_SYSVSEM", "0x40000"}, {"CLONE_SETTLS", "0x80000"}, {"CLONE_PARENT_SETTID", "0x100000"},
		{"CLONE_CHILD_CLEARTID", "0x200000"}, {"CLONE_UNTRACED", "0x800000"}, {"CLONE_CHILD_SETTID", "0x1000000"},
		{"CLONE_NEWCGROUP", "0x2000000"}, {"CLONE_NEWUTS", "0x4000000"}, {"CLONE_NEWIPC", "0x8000000"},
		{"CLONE_NEWUSER", "0x10000000"}, {"CLONE_NEWPID", "0x20000000"}, {"CLONE_NEWNET", "0x40000000"},
		{"CLONE_IO", "0x80000000"}, {"SCHED_NORMAL", "0"}, {"SCHED_FIFO", "1"}, {"SCHED_RR", "2"},
		{"SCHED_BATCH", "3"}, {"SCHED_IDLE", "5"}, {"SCHED_DEADLINE", "6"},
	}},
	{signalHeaders, []constant{
		{"SIGHUP", "1"}, {"SIGINT", "2"}, {"SIGQUIT", "3"}, {"SIGILL", "4"}, {"SIGTRAP", "5"}, {"SIGABRT", "6"},
		{"SIGBUS", "7"}, {"SIGFPE", "8"}, {"SIGKILL", "9"}, {"SIGUSR1", "10"}, {"SIGSEGV", "11"},
		{"SIGUSR2", "12"}, {"SIGPIPE", "13"}, {"SIGALRM", "14"}, {"SIGTERM", "15"}, {"SIGSTKFLT", "16"},
		{"SIGCHLD", "17"}, {"SIGCONT", "18"}, {"SIGSTOP", "19"}, {"SIGTSTP", "20"}, {"SIGTTIN", "21"},
		{"SIGTTOU", "22"}, {"SIGURG", "23"}, {"SIGXCPU", "24"}, {"SIGXFSZ", "25"}, {"SIGVTALRM", "26"},
		{"SIGPROF", "27"}, {"SIGWINCH", "28"}, {"SIGIO", "29"}, {"SIGPWR", "30"}, {"SIGSYS", "31"},
	}},
	{errnoHeaders, []constant{
		{"EPERM", "1"}, {"ENOENT", "2"}, {"ESRCH", "3"}, {"EINTR", "4"}, {"EIO", "5"}, {"ENXIO", "6"},
		{"E2BIG", "7"}, {"ENOEXEC", "8"}, {"EBADF", "9"}, {"ECHILD", "10"}, {"EAGAIN", "11"},
		{"EWOULDBLOCK", "11"}, {"ENOMEM", "12"}, {"EACCES", "13"}, {"EFAULT", "14"}, {"ENOTBLK", "15"},
		{"EBUSY", "16"}, {"EEXIST", "17"}, {"EXDEV", "18"}, {"ENODEV", "19"}, {"ENOTDIR", "20"}, {"EISDIR", "21"},
		{"EINVAL", "22"}, {"ENFILE", "23"}, {"EMFILE", "24"}, {"ENOTTY", "25"}, {"ETXTBSY", "26"}, {"EFBIG", "27"},
		{"ENOSPC", "28"}, {"ESPIPE", "29"}, {"EROFS", "30"}, {"EMLINK", "31"}, {"EPIPE", "32"}, {"EDOM", "33"},
		{"ERANGE", "34"}, {"EDEADLK", "35"}, {"EDEADLOCK", "35"}, {"ENAMETOOLONG", "36"}, {"ENOLCK", "37"},
		{"ENOSYS", "38"}, {"ENOTEMPTY", "39"}, {"ELOOP", "40"}, {"ENOMSG", "42"}, {"EIDRM", "43"},
		{"ECHRNG", "44"}, {"EL2NSYNC", "45"}, {"EL3HLT", "46"}, {"EL3RST", "47"}, {"ELNRNG", "48"},
		{"EUNATCH", "49"}, {"ENOCSI", "50"}, {"EL2HLT", "51"}, {"EBADE", "52"}, {"EBADR", "53"}, {"EXFULL", "54"},
		{"ENOANO", "55"}, {"EBADRQC", "56"}, {"EBADSLT", "57"}, {"EBFONT", "59"}, {"ENOSTR", "60"},
		{"ENODATA", "61"}, {"ETIME", "62"}, {"ENOSR", "63"}, {"ENONET", "64"}, {"ENOPKG", "65"}, {"EREMOTE", "66"},
		{"ENOLINK", "67"}, {"EADV", "68"}, {"ESRMNT", "69"}, {"ECOMM", "70"}, {"EPROTO", "71"},
		{"EMULTIHOP", "72"}, {"EDOTDOT", "73"}, {"EBADMSG", "74"}, {"EFSBADCRC", "74"}, {"EOVERFLOW", "75"},
		{"ENOTUNIQ", "76"}, {"EBADFD", "77"}, {"EREMCHG", "78"}, {"ELIBACC", "79"}, {"ELIBBAD", "80"},
		{"ELIBSCN", "81"}, {"ELIBMAX", "82"}, {"ELIBEXEC", "83"}, {"EILSEQ", "84"}, {"ERESTART", "85"},
		{"ESTRPIPE", "86"}, {"EUSERS", "87"}, {"ENOTSOCK", "88"}, {"EDESTADDRREQ", "89"}, {"EMSGSIZE", "90"},
		{"EPROTOTYPE", "91"}, {"ENOPROTOOPT", "92"}, {"EPROTONOSUPPORT", "93"}, {"ESOCKTNOSUPPORT", "94"},
		{"EOPNOTSUPP", "95"}, {"EPFNOSUPPORT", "96"}, {"EAFNOSUPPORT", "97"}, {"EADDRINUSE", "98"},
		{"EADDRNOTAVAIL", "99"}, {"ENETDOWN", "100"}, {"ENETUNREACH", "101"}, {"ENETRESET", "102"},
		{"ECONNABORTED", "103"}, {"ECONNRESET", "104"}, {"ENOBUFS", "105"}, {"EISCONN", "106"},
		{"ENOTCONN", "107"}, {"ESHUTDOWN", "108"}, {"ETOOMANYREFS", "109"}, {"ETIMEDOUT", "110"},
		{"ECONNREFUSED", "111"}, {"EHOSTDOWN", "112"}, {"EHOSTUNREACH", "113"}, {"EALREADY", "114"},
		{"EINPROGRESS", "115"}, {"ESTALE", "116"}, {"EFSCORRUPTED", "117"}, {"EUCLEAN", "117"}, {"ENOTNAM", "118"},
		{"ENAVAIL", "119"}, {"EISNAM", "120"}, {"EREMOTEIO", "121"}, {"EDQUOT", "122"}, {"ENOMEDIUM", "123"},
		{"EMEDIUMTYPE", "124"}, {"ECANCELED", "125"}, {"ENOKEY", "126"}, {"EKEYEXPIRED", "127"},
		{"EKEYREVOKED", "128"}, {"EKEYREJECTED", "129"}, {"EOWNERDEAD", "130"}, {"ENOTRECOVERABLE", "131"},
		{"ERFKILL", "132"}, {"EHWPOISON", "133"}, {"EFTYPE", "134"},
	}},
}
