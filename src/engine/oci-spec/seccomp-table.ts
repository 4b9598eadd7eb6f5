/**
 * What containers may call, by purpose, as data. Its effect equals containerd's default profile
 * (contrib/seccomp/seccomp_default.go); `seccomp.test.ts` holds the proof.
 */

/** Allowed to everybody on every architecture. */
export const commonSyscalls: Readonly<Record<string, string>> = {
  memory: `brk mmap mmap2 mprotect mremap munmap msync madvise mincore membarrier mseal map_shadow_stack
    mlock mlock2 mlockall munlock munlockall memfd_create memfd_secret remap_file_pages
    pkey_alloc pkey_free pkey_mprotect`,
  openAndClose: `open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2 fcntl fcntl64 flock ioctl
    name_to_handle_at`,
  readAndWrite: `read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek
    readahead cachestat fadvise64 fadvise64_64 copy_file_range sendfile sendfile64 splice tee vmsplice
    sync syncfs sync_file_range fsync fdatasync truncate truncate64 ftruncate ftruncate64 fallocate`,
  asynchronousIo: `io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
    ioprio_get ioprio_set`,
  fileFacts: `stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64
    access faccessat faccessat2 getdents getdents64 readlink readlinkat statmount listmount`,
  fileTree: `mkdir mkdirat mknod mknodat rmdir link linkat symlink symlinkat unlink unlinkat
    rename renameat renameat2 chdir fchdir getcwd umask`,
  fileOwnership: `chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32
    utime utimes utimensat utimensat_time64 futimesat`,
  extendedAttributes: `getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
    listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`,
  fileWatching: `inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark`,
  waitingForFds: `select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
    eventfd eventfd2 signalfd signalfd4`,
  sockets: `socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername
    getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`,
  processLife: `fork vfork execve execveat exit exit_group wait4 waitid waitpid
    pidfd_open pidfd_send_signal process_mrelease prctl uname sysinfo seccomp rseq uretprobe
    restart_syscall set_tid_address set_thread_area get_thread_area set_robust_list get_robust_list`,
  identity: `getpid getppid gettid getpgid getpgrp setpgid getsid setsid
    getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
    setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32
    setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 getgroups getgroups32 setgroups setgroups32
    capget capset`,
  limits: `getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority times`,
  scheduling: `sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam
    sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min
    sched_rr_get_interval sched_rr_get_interval_time64 getcpu`,
  signals: `kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo`,
  locking: `futex futex_time64 futex_wait futex_wake futex_waitv futex_requeue`,
  time: `time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64
    clock_nanosleep clock_nanosleep_time64 nanosleep clock_adjtime clock_adjtime64 adjtimex
    alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
    timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  systemV: `ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64
    shmat shmctl shmdt shmget`,
  messageQueues: `mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64
    mq_timedsend mq_timedsend_time64`,
  randomness: `getrandom`,
  sandboxing: `landlock_create_ruleset landlock_add_rule landlock_restrict_self
    lsm_get_self_attr lsm_set_self_attr lsm_list_modules`,
};

/** Since Linux 4.8 a traced process cannot get around seccomp, so these need no capability. */
export const tracingSyscalls = `ptrace process_vm_readv process_vm_writev`;

/** Further ones by Node's name of the architecture. */
export const architectureSyscalls: Readonly<Record<string, string>> = {
  x64: `arch_prctl modify_ldt`,
  ia32: `modify_ldt`,
  arm64: `arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls`,
  arm: `arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls`,
  ppc64: `sync_file_range2 swapcontext`,
  s390x: `s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr`,
  riscv64: `riscv_flush_icache riscv_hwprobe`,
};

/** Further ones for who may do such things at all. */
export const capabilitySyscalls: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: `open_by_handle_at`,
  CAP_SYS_ADMIN: `clone clone3 unshare setns mount umount umount2 mount_setattr move_mount open_tree
    fsopen fsconfig fsmount fspick quotactl quotactl_fd sethostname setdomainname
    bpf perf_event_open fanotify_init lookup_dcookie syslog`,
  CAP_SYS_BOOT: `reboot`,
  CAP_SYS_CHROOT: `chroot`,
  CAP_SYS_MODULE: `init_module finit_module delete_module`,
  CAP_SYS_PACCT: `acct`,
  CAP_SYS_PTRACE: `kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace`,
  CAP_SYS_RAWIO: `iopl ioperm`,
  CAP_SYS_TIME: `settimeofday stime clock_settime clock_settime64`,
  CAP_SYS_TTY_CONFIG: `vhangup`,
  CAP_SYS_NICE: `get_mempolicy set_mempolicy set_mempolicy_home_node mbind`,
  CAP_SYSLOG: `syslog`,
  CAP_BPF: `bpf`,
  CAP_PERFMON: `perf_event_open`,
};

/** Architectures whose binaries run on a machine, in libseccomp's names. */
export const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"],
  s390x: ["SCMP_ARCH_S390", "SCMP_ARCH_S390X"],
  riscv64: ["SCMP_ARCH_RISCV64"],
  loong64: ["SCMP_ARCH_LOONGARCH64"],
};
