package types

import (
	"strconv"
	"strings"
)

// NameTable is what strerror, signal_name or syscall_name call the numbers from 0 on; "" and
// what's beyond the table are called unknown. The calls' numbers are those of arch.
func NameTable(b *Builtin, arch string) (names []string, unknown string) {
	switch b.ID {
	case BuiltinStrerror:
		names = strings.Split(errorTexts, "\n")
		for i, s := range names {
			if s == errorUnknown {
				names[i] = ""
			}
		}
		return names, errorUnknown
	case BuiltinSignalName:
		return signalTexts(), "N/A"
	case BuiltinSyscallName:
		return Syscalls(arch), "Unknown syscall"
	}
	panic("BUG: " + b.Name + " names no numbers")
}

// Syscalls are the names of an architecture's system calls by number, "" where there's none.
func Syscalls(arch string) []string {
	if arch == "arm64" {
		return numbered(syscallsArm64)
	}
	return numbered(syscallsAmd64)
}

// numbered reads a table of words; a number says where the words after it go.
func numbered(text string) []string {
	var names []string
	for _, w := range strings.Fields(text) {
		if n, err := strconv.Atoi(w); err == nil {
			names = append(names, make([]string, n-len(names))...)
			continue
		}
		names = append(names, w)
	}
	return names
}

// signalTexts are the signals in words, those without a name by their number.
func signalTexts() []string {
	names := strings.Split(signalWords, "\n")
	for n := len(names); n < 34; n++ {
		names = append(names, "Unknown signal "+strconv.Itoa(n))
	}
	for n := range 31 {
		names = append(names, "Real-time signal "+strconv.Itoa(n))
	}
	return names
}

// signalWords are the signals 0 to 31 as strsignal(3) puts them.
const signalWords = `Unknown signal 0
Hangup
Interrupt
Quit
Illegal instruction
Trace/breakpoint trap
Aborted
Bus error
Floating point exception
Killed
User defined signal 1
Segmentation fault
User defined signal 2
Broken pipe
Alarm clock
Terminated
Stack fault
Child exited
Continued
Stopped (signal)
Stopped
Stopped (tty input)
Stopped (tty output)
Urgent I/O condition
CPU time limit exceeded
File size limit exceeded
Virtual timer expired
Profiling timer expired
Window changed
I/O possible
Power failure
Bad system call`

// errorUnknown stands where Linux has no error of the number.
const errorUnknown = "Unknown error"

// errorTexts are the errors from 0 on, in the words that bpftrace prints, which are those
// of the comments in errno.h and errno-base.h (include/uapi/asm-generic), not of strerror(3).
const errorTexts = `Success
Operation not permitted
No such file or directory
No such process
Interrupted system call
I/O error
No such device or address
Argument list too long
Exec format error
Bad file number
No child processes
Try again (operation would block)
Out of memory
Permission denied
Bad address
Block device required
Device or resource busy
File exists
Cross-device link
No such device
Not a directory
Is a directory
Invalid argument
File table overflow
Too many open files
Not a typewriter
Text file busy
File too large
No space left on device
Illegal seek
Read-only file system
Too many links
Broken pipe
Math argument out of domain of func
Math result not representable
Resource deadlock would occur
File name too long
No record locks available
Invalid system call number
Directory not empty
Too many symbolic links encountered
Unknown error
No message of desired type
Identifier removed
Channel number out of range
Level 2 not synchronized
Level 3 halted
Level 3 reset
Link number out of range
Protocol driver not attached
No CSI structure available
Level 2 halted
Invalid exchange
Invalid request descriptor
Exchange full
No anode
Invalid request code
Invalid slot
Unknown error
Bad font file format
Device not a stream
No data available
Timer expired
Out of streams resources
Machine is not on the network
Package not installed
Object is remote
Link has been severed
Advertise error
Srmount error
Communication error on send
Protocol error
Multihop attempted
RFS specific error
Not a data message
Value too large for defined data type
Name not unique on network
File descriptor in bad state
Remote address changed
Can not access a needed shared library
Accessing a corrupted shared library
.lib section in a.out corrupted
Attempting to link in too many shared libraries
Cannot exec a shared library directly
Illegal byte sequence
Interrupted system call should be restarted
Streams pipe error
Too many users
Socket operation on non-socket
Destination address required
Message too long
Protocol wrong type for socket
Protocol not available
Protocol not supported
Socket type not supported
Operation not supported on transport endpoint
Protocol family not supported
Address family not supported by protocol
Address already in use
Cannot assign requested address
Network is down
Network is unreachable
Network dropped connection because of reset
Software caused connection abort
Connection reset by peer
No buffer space available
Transport endpoint is already connected
Transport endpoint is not connected
Cannot send after transport endpoint shutdown
Too many references: cannot splice
Connection timed out
Connection refused
Host is down
No route to host
Operation already in progress
Operation now in progress
Stale file handle
Structure needs cleaning
Not a XENIX named type file
No XENIX semaphores available
Is a named type file
Remote I/O error
Quota exceeded
No medium found
Wrong medium type
Operation Canceled
Required key not available
Key has expired
Key has been revoked
Key was rejected by service
Owner died
State not recoverable
Operation not possible due to RF-kill
Memory page has hardware error`
