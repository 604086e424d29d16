/** What operators are told of EACCES when an address is bound. */

export const PRIVILEGED_PORT =
  'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); with --user they are bound when the tracker starts, and only then';
