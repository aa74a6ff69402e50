/* common/collective/join.c - packets with descriptors. Depends on libc only. */
#include "common/collective/join.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/file.h"

int ls_join_send(int socket, const struct ls_join_packet *packet, const int *fds, int fd_count)
{
    char control[CMSG_SPACE(sizeof(int) * LS_JOIN_FDS_MAX)] = {0};
    struct iovec part = {.iov_base = (void *)packet, .iov_len = sizeof(*packet)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd_count > 0) {
        struct cmsghdr *head;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * (size_t)fd_count);
    }
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static void take_fds(struct msghdr *message, int fds[LS_JOIN_FDS_MAX])
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    size_t count;

    for (int i = 0; i < LS_JOIN_FDS_MAX; i++)
        fds[i] = -1;
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return;
    count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(head), count * sizeof(int));
}

int ls_join_receive(int socket, struct ls_join_packet *ret_packet, int fds[LS_JOIN_FDS_MAX])
{
    char control[CMSG_SPACE(sizeof(int) * LS_JOIN_FDS_MAX)];
    struct iovec part = {.iov_base = ret_packet, .iov_len = sizeof(*ret_packet)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t size;

    do {
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size <= 0)
        return size < 0 ? -errno : 0;
    take_fds(&message, fds);
    if (size != sizeof(*ret_packet) || ret_packet->magic != LS_JOIN_MAGIC ||
        (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (int i = 0; i < LS_JOIN_FDS_MAX; i++)
            ls_close(fds[i]);
        return -EPROTO;
    }
    ret_packet->text[sizeof(ret_packet->text) - 1] = '\0';
    return 1;
}
