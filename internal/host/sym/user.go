package sym

import (
	"io/fs"
	"strconv"
	"strings"
)

// Username is the name of a user by /etc/passwd, "" when it has none.
func (s *Symbolizer) Username(uid uint32) string {
	if s.users == nil {
		s.users = map[uint32]string{}
		// Without the file nobody has a name.
		data, _ := fs.ReadFile(s.cfg.Root, "etc/passwd")
		for line := range strings.Lines(string(data)) {
			// name:password:uid:gid:…, passwd(5)
			f := strings.SplitN(line, ":", 4)
			if len(f) < 4 {
				continue
			}
			if n, err := strconv.ParseUint(f[2], 10, 32); err == nil && s.users[uint32(n)] == "" {
				s.users[uint32(n)] = f[0]
			}
		}
	}
	return s.users[uid]
}
