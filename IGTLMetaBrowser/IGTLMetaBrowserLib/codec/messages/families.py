"""Which module reads which type, for types that are imported when they are first met.

To import all families takes longer than to import all else of the codec; most programs meet few.
"""

MODULE_OF_TYPE = {
    "BIND": "bind",
    "GET_BIND": "bind_query",
    "STT_BIND": "bind_query",
    "RTS_BIND": "bind_query",
    "CAPABILITY": "capability",
    "COLORT": "color_table",
    "COLORTABLE": "color_table",
    "COMMAND": "command",
    "RTS_COMMAND": "command",
    "LBMETA": "label_meta",
    "NDARRAY": "ndarray",
    "POINT": "point",
    "POLYDATA": "polydata",
    "STT_POLYDATA": "polydata",
    "RTS_POLYDATA": "polydata",
    "POSITION": "position",
    "QTRANS": "position",
    "QTDATA": "quaternion_tracking",
    "STT_QTDATA": "quaternion_tracking",
    "RTS_QTDATA": "quaternion_tracking",
    "SENSOR": "sensor",
    "STRING": "string",
    "TDATA": "tracking",
    "STT_TDATA": "tracking",
    "RTS_TDATA": "tracking",
    "VIDEO": "video",
    "STT_VIDEO": "video",
    "VIDEOMETA": "video_meta",
}
