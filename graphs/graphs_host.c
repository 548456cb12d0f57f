/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Graphs of a machine: what its agent's host sampler tells, and what SNMP says of the like. */
#include "lines.h"

/* Milliseconds of processor time a second: 1,000 is one processor, so a tenth is per cent. */
static const struct graph_line cpu_use[] = {
    AREA("user", "User", BLUE, 0.1),
    STACKED("nice", "Nice", SKY, 0.1),
    STACKED("system", "System", ORANGE, 0.1),
    STACKED("irq", "Interrupts", PURPLE, 0.1),
    STACKED("softirq", "Soft interrupts", AMBER, 0.1),
    STACKED("steal", "Stolen", BLACK, 0.1),
    STACKED("iowait", "Waiting for disks", YELLOW, 0.1),
    STACKED("idle", "Idle", PALE, 0.1),
};
/* Within user and nice. */
static const struct graph_line cpu_guests[] = {
    AREA("guest", "Guests", BLUE, 0.1),
    STACKED("guest_nice", "Nice guests", SKY, 0.1),
};
/* As UCD-SNMP-MIB has it: a hundred ticks a second are one processor. */
static const struct graph_line cpu_ticks[] = {
    AREA("user", "User", BLUE, 1),
    STACKED("nice", "Nice", SKY, 1),
    STACKED("system", "System", ORANGE, 1),
    STACKED("irq", "Interrupts", PURPLE, 1),
    STACKED("softirq", "Soft interrupts", AMBER, 1),
    STACKED("steal", "Stolen", BLACK, 1),
    STACKED("iowait", "Waiting for disks", YELLOW, 1),
    STACKED("idle", "Idle", PALE, 1),
};
static const struct graph_line processor_load[] = {
    AREA("load", "Load", BLUE, 100),
};
static const struct graph_line memory_use[] = {
    AREA("available", "Available", GREEN, 1), LINE("cached", "Cached", SKY, 1),
    LINE("buffers", "Buffers", PURPLE, 1),    LINE("free", "Free", BLUE, 1),
    LINE("total", "Total", BLACK, 1),
};
static const struct graph_line memory_swap[] = {
    LINE("swap_total", "Total", BLACK, 1),
    AREA("swap_free", "Free", BLUE, 1),
};
static const struct graph_line memory_kinds[] = {
    LINE("anonymous", "Of processes alone", BLUE, 1),
    LINE("shared", "Shared", SKY, 1),
    LINE("slab", "Of the kernel", PURPLE, 1),
    LINE("slab_free", "Of the kernel, to be freed", GREY, 1),
    LINE("committed", "Promised", BLACK, 1),
};
static const struct graph_line memory_unwritten[] = {
    AREA("dirty", "To be written", ORANGE, 1),
    LINE("writeback", "Being written", PURPLE, 1),
};
static const struct graph_line paging_bytes[] = {
    AREA("in_bytes", "Read", BLUE, 1),
    LINE("swap_in_bytes", "From swap", GREEN, 1),
    AREA_BELOW("out_bytes", "Written", ORANGE, 1),
    LINE_BELOW("swap_out_bytes", "To swap", PURPLE, 1),
};
static const struct graph_line paging_faults[] = {
    AREA("faults", "Page faults", SKY, 1),
    LINE("major_faults", "From a disk", ORANGE, 1),
};
static const struct graph_line paging_kills[] = {
    AREA("oom_kills", "Killed for memory", ORANGE, 1),
};
/* Microseconds a second to per cent. */
static const struct graph_line pressure_time[] = {
    AREA("some_time", "Some waited", AMBER, 1e-4),
    AREA("full_time", "All waited", ORANGE, 1e-4),
};
static const struct graph_line pressure_average[] = {
    LINE("some_avg10", "Some, 10 s", AMBER, 100),
    LINE("some_avg60", "Some, 1 minute", ORANGE, 100),
    LINE("some_avg300", "Some, 5 minutes", BLUE, 100),
    LINE("full_avg10", "All, 10 s", SKY, 100),
    LINE("full_avg60", "All, 1 minute", PURPLE, 100),
    LINE("full_avg300", "All, 5 minutes", BLACK, 100),
};
static const struct graph_line load_average[] = {
    LINE("load1", "1 minute", AMBER, 1),
    LINE("load5", "5 minutes", ORANGE, 1),
    LINE("load15", "15 minutes", BLUE, 1),
};
static const struct graph_line filesystem_space[] = {
    AREA("available", "Available", GREEN, 1),
    LINE("free", "Free for root", SKY, 1),
    AREA("used", "Used", BLUE, 1),
    LINE("size", "Size", BLACK, 1),
};
static const struct graph_line filesystem_files[] = {
    AREA("files_free", "Free", GREEN, 1),
    LINE("files", "Inodes", BLACK, 1),
};
/* Where the device says both, the used part is what is looked for. */
static const struct graph_line storage_space[] = {
    AREA("used", "Used", BLUE, 1),
    LINE("available", "Available", GREEN, 1),
    LINE("size", "Size", BLACK, 1),
};
static const struct graph_line storage_files[] = {
    AREA("files_used", "Used", BLUE, 100),
};
static const struct graph_line disk_bytes[] = {
    AREA("read_bytes", "Read", BLUE, 1),
    AREA_BELOW("write_bytes", "Written", ORANGE, 1),
};
static const struct graph_line disk_operations[] = {
    AREA("reads", "Reads", BLUE, 1),
    AREA_BELOW("writes", "Writes", ORANGE, 1),
};
/* Milliseconds a second; microseconds a second by SNMP. */
static const struct graph_line disk_busy[] = {
    AREA("io_time", "Busy", BLUE, 0.1),
    AREA("busy_time", "Busy", BLUE, 0.0001),
};
/* The sum of all requests' milliseconds, a second: how many there were on average. */
static const struct graph_line disk_queue[] = {
    AREA("weighted_time", "On average", SKY, 0.001),
    LINE("queue", "At the moment", BLUE, 1),
};
static const struct graph_line disk_time[] = {
    AREA("read_time", "Reads", BLUE, 1),
    AREA_BELOW("write_time", "Writes", ORANGE, 1),
};
static const struct graph_line disk_other[] = {
    LINE("reads_merged", "Reads merged", BLUE, 1),
    LINE("writes_merged", "Writes merged", ORANGE, 1),
    LINE("discards", "Discards", GREEN, 1),
    LINE("flushes", "Flushes", PURPLE, 1),
};
static const struct graph_line disk_discards[] = {
    AREA("discard_bytes", "Discarded", GREEN, 1),
};
static const struct graph_line filesystem_state[] = {
    AREA("read_only", "Read-only", ORANGE, 1),
};
static const struct graph_line system_tasks[] = {
    LINE("processes", "Processes", BLUE, 1),
    LINE("threads", "Threads", GREEN, 1),
    LINE("users", "Users", ORANGE, 1),
};
static const struct graph_line system_runnable[] = {
    AREA("running", "Runnable", BLUE, 1),
    LINE("blocked", "Waiting for disks", ORANGE, 1),
};
static const struct graph_line system_switches[] = {
    LINE("context_switches", "Context switches", BLUE, 1),
    LINE("interrupts", "Interrupts", ORANGE, 1),
};
static const struct graph_line system_forks[] = {
    LINE("forks", "New processes", BLUE, 1),
};
static const struct graph_line system_files[] = {
    LINE("open_files", "Open files", BLUE, 1),
};
static const struct graph_line system_uptime[] = {
    AREA("uptime", "Uptime", BLUE, 1.0 / 86400),
};
static const struct graph_line process_count[] = {
    AREA("count", "Processes", BLUE, 1),
    LINE("threads", "Threads", GREEN, 1),
};
static const struct graph_line process_memory[] = {
    AREA("rss", "Resident", BLUE, 1),
};
static const struct graph_line process_time[] = {
    AREA("cpu_time", "Processor time", BLUE, 0.1),
};

/* --- its network stack --- */

static const struct graph_line ip_packets[] = {
    AREA("in_packets", "In", BLUE, 1),
    LINE("in_delivered", "Delivered", GREEN, 1),
    LINE("forwarded", "Forwarded", PURPLE, 1),
    AREA_BELOW("out_packets", "Out", ORANGE, 1),
};
static const struct graph_line ip_octets[] = {
    AREA("in_octets", "In", BLUE, 8),
    AREA_BELOW("out_octets", "Out", ORANGE, 8),
};
static const struct graph_line ip_errors[] = {
    LINE("in_header_errors", "Header errors in", BLUE, 1),
    LINE("in_address_errors", "Address errors in", SKY, 1),
    LINE("in_discards", "Discards in", GREEN, 1),
    LINE_BELOW("out_discards", "Discards out", ORANGE, 1),
    LINE_BELOW("out_no_routes", "No route", AMBER, 1),
};
static const struct graph_line ip_fragments[] = {
    LINE("reassembly_fragments", "Fragments in", BLUE, 1),
    LINE("reassembly_failures", "Not reassembled", PURPLE, 1),
    LINE_BELOW("fragments_created", "Fragments out", ORANGE, 1),
    LINE_BELOW("fragmentation_failures", "Not fragmented", BLACK, 1),
};
static const struct graph_line icmp_packets[] = {
    AREA("in_packets", "In", BLUE, 1),
    LINE("in_unreachable", "Unreachable in", SKY, 1),
    LINE("in_errors", "Errors in", PURPLE, 1),
    AREA_BELOW("out_packets", "Out", ORANGE, 1),
    LINE_BELOW("out_unreachable", "Unreachable out", AMBER, 1),
    LINE_BELOW("out_errors", "Errors out", BLACK, 1),
};
static const struct graph_line tcp_segments[] = {
    AREA("in_segments", "In", BLUE, 1),
    AREA_BELOW("out_segments", "Out", ORANGE, 1),
};
static const struct graph_line tcp_opens[] = {
    LINE("active_opens", "Opened by us", BLUE, 1),
    LINE("passive_opens", "Opened by others", GREEN, 1),
    LINE("attempt_failures", "Failed", ORANGE, 1),
    LINE("established_resets", "Broken off", PURPLE, 1),
};
static const struct graph_line tcp_faults[] = {
    LINE("retransmitted", "Sent again", ORANGE, 1),
    LINE("syn_retransmitted", "SYN sent again", PURPLE, 1),
    LINE("timeouts", "Time-outs", BLACK, 1),
    LINE("in_errors", "Errors in", BLUE, 1),
    LINE("out_resets", "Resets out", AMBER, 1),
};
static const struct graph_line tcp_listen[] = {
    LINE("listen_overflows", "Queue full", ORANGE, 1),
    LINE("listen_drops", "Dropped", PURPLE, 1),
    LINE("syn_cookies_sent", "SYN cookies", BLUE, 1),
};
static const struct graph_line tcp_established[] = {
    AREA("established", "Established", BLUE, 1),
};
static const struct graph_line udp_datagrams[] = {
    AREA("in_datagrams", "In", BLUE, 1),
    AREA_BELOW("out_datagrams", "Out", ORANGE, 1),
};
static const struct graph_line udp_errors[] = {
    LINE("no_ports", "Nobody listened", SKY, 1),
    LINE("in_errors", "Errors in", BLUE, 1),
    LINE("receive_buffer_errors", "Receive buffer full", PURPLE, 1),
    LINE("checksum_errors", "Wrong checksum", BLACK, 1),
    LINE_BELOW("send_buffer_errors", "Send buffer full", ORANGE, 1),
};
static const struct graph_line sockets_open[] = {
    LINE("used", "All", BLACK, 1),        LINE("tcp", "TCP, IPv4", BLUE, 1),
    LINE("tcp6", "TCP, IPv6", SKY, 1),    LINE("udp", "UDP, IPv4", ORANGE, 1),
    LINE("udp6", "UDP, IPv6", AMBER, 1),  LINE("raw", "Raw, IPv4", GREEN, 1),
    LINE("raw6", "Raw, IPv6", YELLOW, 1),
};
static const struct graph_line sockets_tcp[] = {
    LINE("tcp_allocated", "Allocated", BLUE, 1),
    LINE("tcp_time_wait", "Time-wait", GREY, 1),
    LINE("tcp_orphaned", "Orphaned", ORANGE, 1),
};
static const struct graph_line sockets_memory[] = {
    AREA("tcp_memory", "TCP", BLUE, 1),
    STACKED("udp_memory", "UDP", ORANGE, 1),
    STACKED("fragments_memory", "Fragments", GREEN, 1),
};
static const struct graph_line sockets_fragments[] = {
    LINE("fragments", "Datagrams being reassembled", BLUE, 1),
};

/* --- its clock, sensors and services --- */

static const struct graph_line clock_offset[] = {
    LINE("offset", "To be corrected", BLUE, 1),
    LINE("rms_offset", "Long-term mean", SKY, 1),
};
static const struct graph_line clock_error[] = {
    LINE("max_error", "At most", ORANGE, 1),
    LINE("estimated_error", "Estimated", BLUE, 1),
    LINE("root_dispersion", "Root dispersion", PURPLE, 1),
    LINE("root_delay", "Root delay", GREY, 1),
};
static const struct graph_line clock_frequency[] = {
    LINE("frequency", "Correction", BLUE, 1),
};
static const struct graph_line clock_state[] = {
    AREA("synchronised", "Synchronised", GREEN, 1),
    LINE("stratum", "Stratum", BLUE, 1),
};
static const struct graph_line units_failed[] = {
    AREA("failed", "Failed units", ORANGE, 1),
};

static const struct graph_definition definitions[] = {
    {"cpu", "use", "Processor time", "% of one CPU", 1000, FROM_ZERO, LINES(cpu_use)},
    {"cpu", "guests", "Processor time of guests", "% of one CPU", 1000, FROM_ZERO,
     LINES(cpu_guests)},
    {"cpu_time", "use", "Processor time", "% of one CPU", 1000, FROM_ZERO, LINES(cpu_ticks)},
    {"processor", "load", "Load", "% of the time", 1000, .lower = 0, .upper = 100,
     LINES(processor_load)},
    {"memory", "use", "Memory", "bytes", 1024, FROM_ZERO, LINES(memory_use)},
    {"memory", "swap", "Swap", "bytes", 1024, FROM_ZERO, LINES(memory_swap)},
    {"memory", "kinds", "Memory by use", "bytes", 1024, FROM_ZERO, LINES(memory_kinds)},
    {"memory", "unwritten", "Not on disk yet", "bytes", 1024, FROM_ZERO, LINES(memory_unwritten)},
    {"load", "load", "Load", "runnable tasks", 1000, FROM_ZERO, LINES(load_average)},
    {"filesystem", "space", "Space", "bytes", 1024, FROM_ZERO, LINES(filesystem_space)},
    {"filesystem", "files", "Inodes", "inodes", 1000, FROM_ZERO, LINES(filesystem_files)},
    {"filesystem", "state", "Read-only", "1 = read-only", 1000, .lower = 0, .upper = 1.1,
     LINES(filesystem_state)},
    {"storage", "space", "Space", "bytes", 1024, FROM_ZERO, LINES(storage_space)},
    {"disk_space", "space", "Space", "bytes", 1024, FROM_ZERO, LINES(storage_space)},
    {"disk_space", "files", "Inodes", "% of all", 1000, .lower = 0, .upper = 100,
     LINES(storage_files)},
    {"disk", "bytes", "Disk traffic", "bytes/s", 1024, FREE_SCALE, LINES(disk_bytes)},
    {"disk", "operations", "Disk operations", "operations/s", 1000, FREE_SCALE,
     LINES(disk_operations)},
    {"disk", "busy", "Disk busy", "% of the time", 1000, FROM_ZERO, LINES(disk_busy)},
    {"disk", "queue", "Disk queue", "requests", 1000, FROM_ZERO, LINES(disk_queue)},
    {"disk", "time", "Time of requests", "ms/s", 1000, FREE_SCALE, LINES(disk_time)},
    {"disk", "other", "Other disk operations", "operations/s", 1000, FROM_ZERO, LINES(disk_other)},
    {"disk", "discards", "Discarded", "bytes/s", 1024, FROM_ZERO, LINES(disk_discards)},
    {"system", "tasks", "Processes and users", "number", 1000, FROM_ZERO, LINES(system_tasks)},
    {"system", "uptime", "Uptime", "days", 1000, FROM_ZERO, LINES(system_uptime)},
    {"system", "runnable", "Runnable tasks", "tasks", 1000, FROM_ZERO, LINES(system_runnable)},
    {"system", "switches", "Context switches and interrupts", "1/s", 1000, FROM_ZERO,
     LINES(system_switches)},
    {"system", "forks", "New processes", "1/s", 1000, FROM_ZERO, LINES(system_forks)},
    {"system", "files", "Open files", "files", 1000, FROM_ZERO, LINES(system_files)},
    {"paging", "bytes", "Paging", "bytes/s", 1024, FREE_SCALE, LINES(paging_bytes)},
    {"paging", "faults", "Page faults", "1/s", 1000, FROM_ZERO, LINES(paging_faults)},
    {"paging", "kills", "Killed for memory", "1/s", 1000, FROM_ZERO, LINES(paging_kills)},
    {"pressure", "time", "Pressure", "% of the time", 1000, FROM_ZERO, LINES(pressure_time)},
    {"pressure", "average", "Pressure, as the kernel averages it", "% of the time", 1000, FROM_ZERO,
     LINES(pressure_average)},
    {"process", "count", "Processes", "number", 1000, FROM_ZERO, LINES(process_count)},
    {"process", "memory", "Memory", "bytes", 1024, FROM_ZERO, LINES(process_memory)},
    {"process", "time", "Processor time", "% of one CPU", 1000, FROM_ZERO, LINES(process_time)},
    {"ip", "packets", "Datagrams", "packets/s", 1000, FREE_SCALE, LINES(ip_packets)},
    {"ip", "traffic", "Traffic", "bit/s", 1000, FREE_SCALE, LINES(ip_octets)},
    {"ip", "errors", "Errors and discards", "packets/s", 1000, FREE_SCALE, LINES(ip_errors)},
    {"ip", "fragments", "Fragments", "packets/s", 1000, FREE_SCALE, LINES(ip_fragments)},
    {"icmp", "packets", "ICMP", "packets/s", 1000, FREE_SCALE, LINES(icmp_packets)},
    {"tcp", "segments", "Segments", "packets/s", 1000, FREE_SCALE, LINES(tcp_segments)},
    {"tcp", "opens", "Connections opened", "1/s", 1000, FROM_ZERO, LINES(tcp_opens)},
    {"tcp", "established", "Connections", "number", 1000, FROM_ZERO, LINES(tcp_established)},
    {"tcp", "faults", "Retransmissions and errors", "packets/s", 1000, FROM_ZERO,
     LINES(tcp_faults)},
    {"tcp", "listen", "Connections not accepted", "1/s", 1000, FROM_ZERO, LINES(tcp_listen)},
    {"udp", "datagrams", "Datagrams", "packets/s", 1000, FREE_SCALE, LINES(udp_datagrams)},
    {"udp", "errors", "Errors", "packets/s", 1000, FREE_SCALE, LINES(udp_errors)},
    {"sockets", "open", "Sockets", "number", 1000, FROM_ZERO, LINES(sockets_open)},
    {"sockets", "tcp", "TCP sockets", "number", 1000, FROM_ZERO, LINES(sockets_tcp)},
    {"sockets", "memory", "Memory of sockets", "bytes", 1024, FROM_ZERO, LINES(sockets_memory)},
    {"sockets", "fragments", "Reassembly", "number", 1000, FROM_ZERO, LINES(sockets_fragments)},
    {"clock", "offset", "Clock offset", "seconds", 1000, FREE_SCALE, LINES(clock_offset)},
    {"clock", "error", "Clock error", "seconds", 1000, FROM_ZERO, LINES(clock_error)},
    {"clock", "frequency", "Clock frequency", "ppm", 1000, FREE_SCALE, LINES(clock_frequency)},
    {"clock", "state", "Clock state", "1 = synchronised", 1000, FROM_ZERO, LINES(clock_state)},
    {"units", "failed", "Failed units", "units", 1000, FROM_ZERO, LINES(units_failed)},
};

const struct graph_table graph_host_table = {definitions, sizeof definitions / sizeof *definitions};
