/* agent/daemon/log_file.h - opening a rank's output for reading.
 *
 * Depends on agent/proc. */
#ifndef LS_AGENT_DAEMON_LOG_FILE_H
#define LS_AGENT_DAEMON_LOG_FILE_H

/* Open RANK.out or RANK.err of an output directory. Where it is a link, the file was
 * named by a user, who may have put anything there since: it is opened with the rights
 * of the link's owner. A descriptor that the caller closes, or -errno. */
int ls_log_file_open(const char *path);

#endif
